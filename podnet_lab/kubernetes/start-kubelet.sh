# start PLACE KUBELET OPTION…: run a kubelet where it finds the kernel as it wants it, and can set nothing of the machine's.
#
# It begins beside the node's container runtime, where its volumes have to be seen, and shares PLACE-root with it. Then it gets a mount
# namespace of its own, in which files lie over settings of the kernel, /dev/null over the kernel's messages, and the cgroups of this
# process alone are seen.
set -e
place=$1 root=$1-root
if [ "$2" != --inside ]; then
  shift
  mkdir -p "$root"
  if ! mountpoint -q "$root"; then mount -t tmpfs -o mode=755 kubelet "$root"; fi
  mount --make-shared "$root"
  if [ ! -d /var/log/pods ]; then mount -t tmpfs -o mode=755 log /var/log && mkdir /var/log/pods /var/log/containers; fi
  exec unshare --mount --cgroup --propagation unchanged sh "$0" "$place" --inside "$@"
fi
shift 2
mkdir "$place/settings" "$place/lib"
say() { echo "$2" >"$place/settings/${1##*/}"; mount --bind "$place/settings/${1##*/}" "/proc/sys/$1"; }
say vm/overcommit_memory 1
say vm/panic_on_oom 0
say kernel/panic 10
say kernel/panic_on_oops 1
say kernel/keys/root_maxkeys 1000000
say kernel/keys/root_maxbytes 25000000
mount --bind /dev/null /dev/kmsg
# It keeps its sockets for devices in /var/lib/kubelet, whatever it is told.
mount -t tmpfs -o mode=755 lib "$place/lib"
mkdir "$place/lib/kubelet"
mount --rbind "$place/lib" /var/lib
if [ "$(cut -d: -f1,2 /proc/self/cgroup)" = 0: ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  while IFS=: read -r _ kinds _; do
    [ -n "$kinds" ] || continue
    mkdir -p "/sys/fs/cgroup/${kinds#name=}"
    case $kinds in name=*) options=none,$kinds ;; *) options=$kinds ;; esac
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${kinds#name=}"
  done </proc/self/cgroup
fi
unset XDG_RUNTIME_DIR TMPDIR # of whoever opened the lab; on a node they are not there
export HOME="$place"
exec "$@"
