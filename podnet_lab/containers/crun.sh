#!/bin/sh
# crun for containerd on a node: without cgroups, of which an ordinary user has none to give. Where root is the only user there
# is no group tty (5) either, to which a container's terminals could belong.
bundle= previous=
for word; do
  case $previous in --bundle | -b) bundle=$word ;; esac
  previous=$word
done
if [ -w "$bundle/config.json" ]; then sed -i 's/,"gid=5"//' "$bundle/config.json"; fi
exec crun --cgroup-manager=disabled "$@"
