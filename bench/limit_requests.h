/*
 * What limit.c asks of the kernel, as netlink messages: each is begun with its fixed part, then attributes are put behind
 * it; then it is sent by itself, or kept and sent with others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct { struct nlmsghdr head; char body[1024]; } message;
static struct { char bytes[64 * 1024]; size_t used; } batch;

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

/* The message goes into the batch, and is sent with it; without an ACK of its own, a refusal is answered all the same. */
static void keep(void)
{
	size_t size = NLMSG_ALIGN(message.head.nlmsg_len);

	if (batch.used + size > sizeof batch.bytes) {
		errno = ENOBUFS;
		fail("batch");
	}
	message.head.nlmsg_flags &= ~NLM_F_ACK;
	memcpy(batch.bytes + batch.used, &message, size);
	batch.used += size;
}

/* What is in the batch, and the message as the last of it, in one send; the first refusal, or the last one's ACK, is read. */
static void send_batch(int netlink)
{
	char answer[4096];
	struct nlmsghdr *head = (void *)answer, *last;

	keep();
	last = (void *)(batch.bytes + batch.used - NLMSG_ALIGN(message.head.nlmsg_len));
	last->nlmsg_flags |= NLM_F_ACK;
	check(send(netlink, batch.bytes, batch.used, 0), "send");
	batch.used = 0;
	check(recv(netlink, answer, sizeof answer, 0), "recv");
	errno = head->nlmsg_type == NLMSG_ERROR ? -((struct nlmsgerr *)NLMSG_DATA(head))->error : 0;
	if (errno)
		fail("netlink");
}

static int netlink_socket(void)
{
	return check(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
}

/* Requests: each becomes the message; who asks for it sends or keeps it. */

static void up(int index)
{
	struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	begin(RTM_NEWLINK, 0, &link, sizeof link);
}

static void up_by_name(const char *name)
{
	struct ifinfomsg link = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	begin(RTM_NEWLINK, 0, &link, sizeof link);
	put_text(IFLA_IFNAME, name);
}

static void add_address(int index, in_addr_t address)
{
	struct ifaddrmsg fixed = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = index};

	begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	put(IFA_LOCAL, &address, sizeof address);
	put(IFA_ADDRESS, &address, sizeof address);
}

static void add_default_route(in_addr_t gateway)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
			      .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};

	begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
	put(RTA_GATEWAY, &gateway, sizeof gateway);
}

static void add_bridge(void)
{
	struct ifinfomsg link = {0};
	struct rtattr *info;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
	put_text(IFLA_IFNAME, "v-net-0");
	info = put(IFLA_LINKINFO, NULL, 0);
	put_text(IFLA_INFO_KIND, "bridge");
	close_nest(info);
}

/* One end here, the other made inside the Pod; with numbers, or 0 where the kernel is to choose them. */
static void add_cable(const char *name, int number, const char *peer, int peer_number, int pod)
{
	struct ifinfomsg link = {.ifi_index = number}, there = {.ifi_index = peer_number};
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
}

/* Into the bridge: the port by its name, or by its number if it has none. */
static void plug(const char *name, int number, int bridge)
{
	struct ifinfomsg link = {.ifi_index = number};

	begin(RTM_NEWLINK, 0, &link, sizeof link);
	if (name)
		put_text(IFLA_IFNAME, name);
	put(IFLA_MASTER, &bridge, sizeof bridge);
}

static in_addr_t address(int node, int host)
{
	return htonl(10u << 24 | 244u << 16 | (unsigned)node << 8 | (unsigned)host);
}
