"""Random steps of every kind, as far as a node takes them."""

from podnet_lab import address, bridge, forwarding, link, namespace, neighbour, route, veth
from podnet_lab.errors import PodnetError
from podnet_lab.steps.namespace import RemoveNamespace

NAMES = ("a", "b", "c-d", "net.0")
PODS = (None, "p1", "p2")
HOSTS = [f"10.{number}.0.{host}" for number in (50, 51) for host in (1, 2)]


def drawn(draw):
    """A step of any kind, about few enough things that steps meet."""
    name, other, pod, host = draw.choice(NAMES), draw.choice(NAMES), draw.choice(PODS), draw.choice(HOSTS)
    makers = (
        lambda: namespace.add(draw.choice(PODS[1:])),
        lambda: namespace.remove(draw.choice(PODS[1:])),
        lambda: bridge.add(name),
        lambda: veth.add(name, peer=other, peer_namespace=pod),
        lambda: veth.add(name, peer=f"{name}-br"),
        lambda: veth.move(name, to=draw.choice(PODS), namespace=pod),
        lambda: veth.plug(f"{name}-br", into=other),
        lambda: veth.unplug(f"{name}-br"),
        lambda: link.remove(name, pod),
        lambda: link.up(draw.choice((name, "lo", f"{name}-br")), pod),
        lambda: link.up(name, pod),
        lambda: link.down(name, pod),
        lambda: link.change(name, pod, mtu=draw.randint(1280, 1500), arp=draw.choice((None, True, False))),
        lambda: link.change(name, pod, mac=f"02:00:00:00:00:{draw.randint(16, 99)}"),
        lambda: address.add(f"{host}/{draw.choice((24, 32))}", dev=name, namespace=pod),
        lambda: address.remove(f"{host}/24", dev=name, namespace=pod),
        lambda: address.add(f"127.0.0.{draw.randint(2, 4)}/8", dev="lo", namespace=pod),
        lambda: route.add(draw.choice(("default", "10.60.0.0/16")), via=host, namespace=pod),
        lambda: route.add("10.61.0.0/16", dev=name, namespace=pod),
        lambda: route.add("10.61.0.0/16", via=host, dev=name, namespace=pod),
        lambda: route.blackhole("10.62.0.0/16", namespace=pod),
        lambda: route.remove(draw.choice(("10.60.0.0/16", "10.61.0.0/16", "10.62.0.0/16")), namespace=pod),
        lambda: forwarding.on(pod),
        lambda: forwarding.off(pod),
        lambda: forwarding.setting(draw.choice((name, "all", "default")), draw.choice(("rp_filter", "proxy_arp")), draw.randint(0, 1), pod),
        lambda: neighbour.add(host, f"02:00:00:00:00:{draw.randint(16, 99)}", dev=name, namespace=pod),
        lambda: neighbour.remove(host, dev=name, namespace=pod),
    )
    return draw.choice(makers)()


def accepted(node, draw, tries):
    """
    Steps, drawn at random, that changed the node; those that make no sense there are refused and left out.

    In parts that end where a namespace went: the kernel clears away behind it, and a program does not wait for that.
    """
    parts = [[]]
    for _ in range(tries):
        try:
            step = drawn(draw)
            if node.run(step).changed:
                parts[-1].append(step)
                parts += [[]] if isinstance(step, RemoveNamespace) else []
        except PodnetError:
            continue
    return parts
