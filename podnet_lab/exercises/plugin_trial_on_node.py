"""
Runs on a node, in namespaces of its own: calls a CNI plugin step by step, and prints what came of each step, as JSON.

Standard library alone, for a node's own Python reads it from standard input. Steps are lists: ["pod", NAME] makes a namespace,
["gone", NAME] deletes it, ["sh", TEXT] types something, ["look"] says what the kernel has, [VERB, NAME, VARIABLES] calls the plugin, and
["together", VERB, NAMES] calls it for several at the same time. The first call that does not end ends it all.
"""

import json
import os
import subprocess
import sys
import time

asked = json.loads(sys.argv[1])
answers = {}


def typed(words):
    """Run a shell command; its output."""
    return subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False).stdout


def start(verb, pod, variables):
    """Start the plugin, with all that a runtime gives it."""
    given = {
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": pod,
        "CNI_NETNS": f"/run/netns/{pod}",
        "CNI_IFNAME": "eth0",
        "CNI_PATH": "/run/cni/bin",
    }
    conf = {**asked["conf"], **({"prevResult": answers.get(pod, {})} if verb in ("CHECK", "DEL") else {})}
    running = subprocess.Popen(
        [asked["plugin"]],
        env={**os.environ, **given, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    return running, json.dumps(conf).encode()


def feed(running, conf):
    """Let a plugin that was started read its configuration."""
    try:
        running.stdin.write(conf)
        running.stdin.close()
    except BrokenPipeError:  # it does not want to know
        pass
    running.stdin = None


def finished(running, pod, verb):
    """What came of a call; with a status of None it did not end in time."""
    try:
        out, err = running.communicate(timeout=asked["seconds"])
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, 9)
        running.wait()
        return {"status": None, "out": "", "err": f"it did not end within {asked['seconds']} seconds"}
    out, err = (text.decode(errors="replace") for text in (out, err))
    if verb == "ADD" and running.returncode == 0:
        try:
            answers[pod] = json.loads(out)
        except ValueError:
            answers.pop(pod, None)
    return {"status": running.returncode, "out": out, "err": err}


def called(verb, pods, variables):
    """Call the plugin for each of some Pods, all at the same time."""
    try:
        all_running = [(pod, *start(verb, pod, variables)) for pod in pods]
        time.sleep(0.2 if len(pods) > 1 else 0)
    except OSError as error:
        return [{"status": 126, "out": "", "err": f"it can't be started: {error.strerror}"}]
    for _, running, conf in all_running:  # all are loaded by now, and wait for it: so they are at the same place at the same moment
        feed(running, conf)
    return [finished(running, pod, verb) for pod, running, _ in all_running]


def look():
    """The ports of the bridge, and the addresses of each Pod."""
    ports = [one["ifname"] for one in json.loads(typed(f"ip -j link show master {asked['conf']['bridge']}") or "[]")]
    pods = {}
    for pod in os.listdir("/run/netns"):
        links = json.loads(typed(f"ip -n {pod} -j -4 addr show") or "[]")
        pods[pod] = [f"{ip['local']}/{ip['prefixlen']}" for link in links for ip in link["addr_info"] if link["ifname"] != "lo"]
    return {"ports": ports, "pods": pods}


came = []
for what, *rest in asked["steps"]:
    if what == "pod":
        typed(f"ip netns add {rest[0]}")
    elif what == "gone":
        typed(f"ip netns del {rest[0]}")
    elif what == "sh":
        typed(rest[0])
    elif what == "look":
        came.append(look())
    elif what == "together":
        came += called(rest[0], rest[1], {})
    else:
        came += called(what, rest[:1], dict(rest[1]) if len(rest) > 1 else {})
    if came and came[-1].get("status", 0) is None:
        break
print(json.dumps(came))
