/*
 * The kernel's own cost of a Pod network: the same objects as our library makes, by raw netlink, one request per send,
 * one thread, nothing verified. What remains of a faster or slower program is its own share.
 *
 * Usage: limit NODES PODS   (inside user, network and mount namespaces of its own, with an empty /run/netns)
 * Makes NODES network namespaces (the first is the one it starts in), in each a bridge and PODS Pods; prints the
 * seconds that the Pods took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct { struct nlmsghdr head; char body[1024]; } message;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int check(int result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

/* A message is begun with its fixed part, then attributes are put behind it. */
static void begin(int type, int flags, const void *fixed, size_t size)
{
	memset(&message, 0, sizeof message);
	message.head.nlmsg_type = type;
	message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message.head.nlmsg_len = NLMSG_LENGTH(size);
	memcpy(message.body, fixed, size);
}

static struct rtattr *put(int type, const void *data, size_t size)
{
	struct rtattr *attribute = (void *)((char *)&message + NLMSG_ALIGN(message.head.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attribute), data, size);
	message.head.nlmsg_len = NLMSG_ALIGN(message.head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void put_text(int type, const char *text)
{
	put(type, text, strlen(text) + 1);
}

static void close_nest(struct rtattr *nest)
{
	nest->rta_len = (char *)&message + message.head.nlmsg_len - (char *)nest;
}

static void send_and_wait(int netlink)
{
	char answer[4096];
	struct nlmsghdr *head = (void *)answer;

	check(send(netlink, &message, message.head.nlmsg_len, 0), "send");
	check(recv(netlink, answer, sizeof answer, 0), "recv");
	errno = head->nlmsg_type == NLMSG_ERROR ? -((struct nlmsgerr *)NLMSG_DATA(head))->error : 0;
	if (errno)
		fail("netlink");
}

static int netlink_socket(void)
{
	return check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
}

static void up(int netlink, int index)
{
	struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	begin(RTM_NEWLINK, 0, &link, sizeof link);
	send_and_wait(netlink);
}

static void add_address(int netlink, int index, in_addr_t address)
{
	struct ifaddrmsg fixed = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = index};

	begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	put(IFA_LOCAL, &address, sizeof address);
	put(IFA_ADDRESS, &address, sizeof address);
	send_and_wait(netlink);
}

static void add_default_route(int netlink, in_addr_t gateway)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
			      .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};

	begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	put(RTA_GATEWAY, &gateway, sizeof gateway);
	send_and_wait(netlink);
}

static void add_bridge(int netlink)
{
	struct ifinfomsg link = {0};
	struct rtattr *info;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	put_text(IFLA_IFNAME, "v-net-0");
	info = put(IFLA_LINKINFO, NULL, 0);
	put_text(IFLA_INFO_KIND, "bridge");
	close_nest(info);
	send_and_wait(netlink);
}

/* One end here and plugged into the bridge, the other made inside the Pod. */
static void add_cable(int netlink, const char *name, const char *peer, int pod, int bridge)
{
	struct ifinfomsg link = {0}, there = {0};
	struct rtattr *info, *data, *end;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	put_text(IFLA_IFNAME, name);
	info = put(IFLA_LINKINFO, NULL, 0);
	put_text(IFLA_INFO_KIND, "veth");
	data = put(IFLA_INFO_DATA, NULL, 0);
	end = put(VETH_INFO_PEER, &there, sizeof there);
	put_text(IFLA_IFNAME, peer);
	put(IFLA_NET_NS_FD, &pod, sizeof pod);
	close_nest(end);
	close_nest(data);
	close_nest(info);
	send_and_wait(netlink);

	begin(RTM_NEWLINK, 0, &link, sizeof link);
	put_text(IFLA_IFNAME, name);
	put(IFLA_MASTER, &bridge, sizeof bridge);
	send_and_wait(netlink);
}

static in_addr_t address(int node, int host)
{
	return htonl(10u << 24 | 244u << 16 | (unsigned)node << 8 | (unsigned)host);
}

/* Give this thread's namespace a name, so that it is still there when the Pods are counted. */
static void name_node(int node)
{
	char path[64];

	snprintf(path, sizeof path, "/run/netns/node-%d", node);
	close(check(open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0444), path));
	check(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), "mount");
}

static void add_pod(int netlink, int home, int bridge, int node, int host)
{
	struct ifinfomsg end = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	char path[64], here[32], there[32];
	int pod, inside;

	snprintf(path, sizeof path, "/run/netns/pod-%d-%d", node, host);
	snprintf(here, sizeof here, "veth-%d-%d-br", node, host);
	snprintf(there, sizeof there, "veth-%d-%d", node, host);
	close(check(open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0444), path));
	check(unshare(CLONE_NEWNET), "unshare");
	check(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), "mount");
	pod = check(open(path, O_RDONLY | O_CLOEXEC), path);
	inside = netlink_socket();
	check(setns(home, CLONE_NEWNET), "setns");

	add_cable(netlink, here, there, pod, bridge);
	begin(RTM_NEWLINK, 0, &end, sizeof end);
	put_text(IFLA_IFNAME, here);
	send_and_wait(netlink);
	add_address(inside, 2, address(node, host)); /* a new namespace has lo as 1, and what is made there next as 2 */
	up(inside, 2);
	up(inside, 1);
	add_default_route(inside, address(node, 1));
	close(inside);
	close(pod);
}

int main(int count, char **words)
{
	int nodes = count == 3 ? atoi(words[1]) : 0, pods = nodes ? atoi(words[2]) : 0;
	struct timespec start, stop;
	double seconds = 0;

	if (nodes < 1 || pods < 1 || pods > 253) {
		fprintf(stderr, "usage: limit NODES PODS\n");
		return 2;
	}
	for (int node = 1; node <= nodes; node++) {
		int home, netlink, bridge;

		if (node > 1) {
			check(unshare(CLONE_NEWNET), "unshare");
			name_node(node);
		}
		home = check(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "namespace");
		netlink = netlink_socket();
		add_bridge(netlink);
		bridge = check((int)if_nametoindex("v-net-0") - 1, "bridge") + 1;
		up(netlink, bridge);
		add_address(netlink, bridge, address(node, 1));
		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int host = 2; host < pods + 2; host++)
			add_pod(netlink, home, bridge, node, host);
		clock_gettime(CLOCK_MONOTONIC, &stop);
		seconds += (double)(stop.tv_sec - start.tv_sec) + (double)(stop.tv_nsec - start.tv_nsec) / 1e9;
		close(netlink);
	}
	printf("%.6f\n", seconds);
	return 0;
}
