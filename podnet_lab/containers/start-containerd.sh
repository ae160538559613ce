# start PLACE STATE BIN FOLDER…: run containerd with its files in PLACE and its sockets in STATE, and the CNI plugins of BIN and of the other
# folders. It lives in a mount namespace of its own: what it mounts is in nobody's way, and goes when the last of its processes has ended.
# /run/netns alone is shared with the node, so that Pods' networks have their names there.
set -e
place=$1 state=$2 bin=$3
shift 3
while read -r _ _ _ _ point rest; do
  case $point in /run/netns | /run/netns/*) ;; *) case $rest in *shared:*) mount --make-private "$(printf %b "$point")" ;; esac ;; esac
done </proc/self/mountinfo
rm -rf --one-file-system "$state" # of Pods that have gone
mkdir -p "$state" "$bin" "$place/root" "$place/tmp" /run/cni/net.d
chmod 755 "$place/crun" "$place/loopback"
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup # nothing there: no cgroups are to be had
. "$place/setup"
# What an earlier one had attached has gone with its Pods; their addresses are free again.
for kept in /var/lib/cni/results/*-????????????????????????????????????????????????????????????????-*; do
  if [ -e "$kept" ] && grep -q "\"netns\": *\"$state/" "$kept"; then
    id=$(printf %s "${kept##*/}" | grep -oE '[0-9a-f]{64}')
    for address in /var/lib/cni/networks/*/*; do
      if [ -f "$address" ] && head -n 1 "$address" | tr -d '\r' | grep -qxF "$id"; then rm "$address"; fi
    done
    rm "$kept"
  fi
done
# containerd looks for plugins in one folder alone. What lies elsewhere is called from there: a link could be written through.
cp "$place/loopback" "$bin/loopback"
for folder; do
  for plugin in "$folder"/*; do
    here=$bin/${plugin##*/}
    if [ -x "$plugin" ] && [ ! -e "$here" ]; then printf '#!/bin/sh\nexec %s "$@"\n' "$plugin" >"$here" && chmod 755 "$here"; fi
  done
done
unset XDG_RUNTIME_DIR # whoever opened the lab may have such a folder; it is not there on a node
export HOME="$place" TMPDIR="$place/tmp"
exec containerd --config "$place/config.toml"
