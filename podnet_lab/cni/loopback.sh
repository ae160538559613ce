#!/bin/sh
# loopback, the CNI plugin that a runtime calls first for each Pod: it switches lo on. It also gives the Pod's network the Pod's name
# in /run/netns, beside the runtime's own path: NAME, or NAME.NAMESPACE for a Kubernetes namespace that is not `default`.
# A runtime that calls none (podman) has it in its list of plugins, behind others; then it passes on what they answered.
refuse() {
  printf '{"cniVersion": "0.3.1", "code": %s, "msg": "%s"}\n' "$1" "$2"
  exit 1
}
argument() { printf %s "$CNI_ARGS" | tr ';' '\n' | sed -n "s/^$1=//p" | head -n 1; }
pod=$(argument K8S_POD_NAME) space=$(argument K8S_POD_NAMESPACE)
case $pod in '' | */* | .*) named= ;; *) named=/run/netns/$pod ;; esac
case ${space:-default} in default) ;; */*) named= ;; *) named=${named:+$named.$space} ;; esac
case $CNI_COMMAND in
  VERSION) echo '{"cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]}' ;;
  ADD)
    ip=$(nsenter --net="$CNI_NETNS" ip link set lo up 2>&1) || refuse 102 "lo: $ip"
    if [ -n "$named" ] && ! [ "$named" -ef "$CNI_NETNS" ]; then
      mountpoint -q "$named" && refuse 100 "another network namespace of this node is called ${named##*/}"
      { : >"$named" && mount --bind "$CNI_NETNS" "$named"; } 2>/dev/null || refuse 102 "$named can not be made"
    fi
    given=$(cat)
    case $given in
      *'"prevResult"'*)
        printf %s "$given" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["prevResult"]))'
        exit
        ;;
    esac
    echo '{"cniVersion": "0.3.1", "interfaces": [{"name": "lo", "sandbox": "'"$CNI_NETNS"'"}], "ips": []}'
    ;;
  DEL)
    # Another Pod of that name may be there by now; it keeps its own.
    if [ -n "$named" ] && [ "$named" -ef "${CNI_NETNS:-/nowhere}" ]; then umount -l "$named" && rm -f "$named"; fi
    ;;
esac
