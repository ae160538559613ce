"""
Programs of a one-machine lab's nodes that stand before the machine's own, so that other people's scripts run as they are.

Each does what the real one would do on a machine: in a lab the shell is root already, perhaps the only user there is,
and the kernel is the machine's. They lie on the node's own /run, in front on the PATH of its shells.
"""

from __future__ import annotations

import os
import sys
from shlex import quote

from podnet_lab.kernel import setgroups_filter
from podnet_lab.kernel.programs import missing
from podnet_lab.kernel.shell import WRAPPERS

_HEAD = """#!/bin/sh
# of podnet_lab: on a node of a lab this stands before the program of the same name
rest=:$PATH:
while case $rest in *:{folder}:*) ;; *) false ;; esac; do rest=${{rest%%:{folder}:*}}:${{rest#*:{folder}:}}; done
rest=${{rest#:}} rest=${{rest%:}}
real=$(PATH=$rest; command -v {name})
alone() {{ exec {python} -IS {filter} "$real" "$@"; }}
"""
"""How each begins: *real* is the path of the program that it stands before, *alone* runs it where root is the only user."""

TCPDUMP = """
# It would become the user tcpdump, and there is none but root.
for word; do
  case $word in
    -Zroot) ;;
    -Z*) echo "tcpdump: there is no user but root in this lab: leave out -Z, or say -Zroot" >&2 ;;
  esac
done
alone -Z root "$@"
"""

SU = """
alone "$@"
"""

DNSMASQ = """
# It would become the user dnsmasq, and there is none but root.
for word; do case $word in --user* | -u* | --test | --version | -v) exec "$real" "$@" ;; esac; done
exec "$real" --user= --group= "$@"
"""

SUDO = """
# Whoever types here is root already, and is told so once on each node; not among what a program reads.
if [ -z "$PODNET_QUIET" ] && [ ! -e /run/podnet-node/told-of-sudo ] && { [ -t 2 ] || ! [ /proc/self/fd/1 -ef /proc/self/fd/2 ]; }; then
  echo "(you are root here: leave out sudo, which only runs what it is given)" >&2
  : >/run/podnet-node/told-of-sudo
fi
user=root shell=
while [ $# -gt 0 ]; do
  case $1 in
    --) shift; break ;;
    --user=*) user=${1#*=} ;;
    --chdir=*) cd "${1#*=}" || exit 1 ;;
    --user | -u | -[!-]*u) shift; user=$1 ;;
    --chdir | -D) shift; cd "$1" || exit 1 ;;
    -g | -h | -p | -C | -r | -t | -T | -U | -R | --group | --host | --prompt) shift ;;
    -v | -l | --validate | --list) exit 0 ;;
    -u*) user=${1#-u} ;;
    --login | --shell | -[is] | -[!-]*[is]) shell=yes ;;
    -*) ;;
    [A-Za-z_]*=*) export "$1" ;;
    *) break ;;
  esac
  [ $# -eq 0 ] || shift
done
case $user in
  root | '#0' | 0) ;;
  *)
    runuser -u "$user" -- true 2>/dev/null && exec runuser -u "$user" -- "$@"
    echo "sudo: can't become $user: an ordinary user's lab has no user but root; leave out -u" >&2
    exit 1 ;;
esac
if [ -n "$shell" ] && [ $# -gt 0 ]; then exec bash -c "$*"; fi
if [ -n "$shell" ]; then exec bash; fi
if [ $# -gt 0 ] && ! command -v "$1" >/dev/null; then echo "sudo: $1: command not found" >&2; exit 127; fi
if [ $# -gt 0 ]; then exec "$@"; fi
echo "sudo: which command? You are root already" >&2
exit 1
"""

MODPROBE = """
# A node has the machine's kernel: what that has need not be loaded, and kinds of interfaces it loads when they are first used.
kind() {
  said=$(unshare -n ip link add name podnet0 type "$@" 2>&1) && return
  case $said in *Unknown* | *"not supported"*) false ;; esac
}
known() {
  [ -d "/sys/module/$(echo "$1" | tr - _)" ] && return
  case $1 in
    br_netfilter) [ -d /proc/sys/net/bridge ] ;;
    nf_conntrack) [ -d /proc/sys/net/netfilter ] ;;
    overlay) grep -qw overlay /proc/filesystems ;;
    vxlan) kind vxlan id 1 dstport 4789 ;;
    geneve) kind geneve id 1 remote 192.0.2.1 ;;
    8021q) kind vlan id 1 link lo ;;
    *) kind "$1" ;;
  esac
}
status=0 seen= all=
for word; do
  case $word in
    -r | --remove) exec "${real:-false}" "$@" ;;
    -a | --all) all=yes ;;
    -*) ;;
    *)
      if [ -n "$seen" ] && [ -z "$all" ]; then continue; fi # a module's parameter
      seen=yes
      known "$word" && continue
      [ -n "$real" ] && "$real" "$word" && continue
      echo "modprobe: a lab has the machine's kernel, and this one does not show $word; outside of the lab: sudo modprobe $word" >&2
      status=1 ;;
  esac
done
exit $status
"""

SYSCTL = """
# --system is for this node, too: settings of its network. The rest are the machine's, and stay as they are.
for word; do
  case $word in --system) exec "$real" --ignore --pattern '^net[./]' "$@" ;; esac
done
exec "$real" "$@"
"""


def install(one_user: bool) -> None:
    """Write those that this node needs; *one_user*: nobody but root exists here."""
    before = {"sysctl": SYSCTL} | ({"tcpdump": TCPDUMP, "su": SU, "dnsmasq": DNSMASQ} if one_user else {})
    wanted = {"sudo": SUDO, "modprobe": MODPROBE} | {name: text for name, text in before.items() if not missing(name)}
    os.makedirs(WRAPPERS, exist_ok=True)
    words = {"folder": WRAPPERS, "python": quote(sys.executable), "filter": quote(os.path.abspath(setgroups_filter.__file__))}
    for name, text in wanted.items():
        with open(os.open(f"{WRAPPERS}/{name}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o755), "w") as file:
            file.write(_HEAD.format(**words, name=name) + text)
