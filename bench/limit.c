/*
 * The kernel's own cost of a Pod network: the same objects as our library makes, by raw netlink, in one thread, nothing
 * verified. What remains of a faster or slower program is its own share.
 *
 * Usage: limit NODES PODS [batched]   (inside user, network and mount namespaces of its own, with an empty /run/netns)
 * Makes NODES network namespaces (the first is the one it starts in), in each a bridge and PODS Pods; prints the
 * seconds that the Pods took.
 *
 * One by one, each request is a send of its own, and its answer is waited for. Batched, the requests for one namespace
 * go out in one send, those for the node for BLOCK Pods at once, and only the last of them asks for an answer: the
 * kernel tells of a refusal unasked. Interfaces have numbers that the request chooses, so that none is looked up by its
 * name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "limit_requests.h"

#define BLOCK 64 /* Pods whose requests for the node go out in one send; 64 of them are far from filling a socket */
#define FIRST 1000 /* the number of the first Pod's cable, at both ends: the bridge and whatever came with a namespace have lower ones */

/* Give this thread's namespace a name, so that it is still there when the Pods are counted. */
static void name_node(int node)
{
	char path[64];

	snprintf(path, sizeof path, "/run/netns/node-%d", node);
	close(check(open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0444), path));
	check(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), "mount");
}

/* A Pod's names, and what it is reached by while it is made: its namespace, and a socket inside. */
struct pod { char here[32], there[32]; int host, space, inside; };

static struct pod add_namespace(int home, int node, int host)
{
	struct pod pod = {.host = host};
	char path[64];

	snprintf(path, sizeof path, "/run/netns/pod-%d-%d", node, host);
	snprintf(pod.here, sizeof pod.here, "veth-%d-%d-br", node, host);
	snprintf(pod.there, sizeof pod.there, "veth-%d-%d", node, host);
	close(check(open(path, O_CREAT | O_EXCL | O_CLOEXEC, 0444), path));
	check(unshare(CLONE_NEWNET), "unshare");
	check(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), "mount");
	pod.space = check(open(path, O_RDONLY | O_CLOEXEC), path);
	pod.inside = netlink_socket();
	check(setns(home, CLONE_NEWNET), "setns");
	return pod;
}

static void let_go(const struct pod *pod)
{
	close(pod->inside);
	close(pod->space);
}

static void one_by_one(int netlink, int home, int bridge, int node, int pods)
{
	for (int host = 2; host < pods + 2; host++) {
		struct pod pod = add_namespace(home, node, host);

		add_cable(pod.here, 0, pod.there, 0, pod.space);
		send_and_wait(netlink);
		plug(pod.here, 0, bridge);
		send_and_wait(netlink);
		up_by_name(pod.here);
		send_and_wait(netlink);
		add_address(2, address(node, host)); /* a new namespace has lo as 1, and what is made there next as 2 */
		send_and_wait(pod.inside);
		up(2);
		send_and_wait(pod.inside);
		up(1);
		send_and_wait(pod.inside);
		add_default_route(address(node, 1));
		send_and_wait(pod.inside);
		let_go(&pod);
	}
}

static void batched(int netlink, int home, int bridge, int node, int pods)
{
	static struct pod block[BLOCK];

	for (int begun = 0; begun < pods; begun += BLOCK) {
		int count = pods - begun < BLOCK ? pods - begun : BLOCK;

		for (int i = 0; i < count; i++) {
			int number = FIRST + begun + i;

			block[i] = add_namespace(home, node, begun + i + 2);
			add_cable(block[i].here, number, block[i].there, number, block[i].space);
			keep();
			plug(NULL, number, bridge);
			keep();
			up(number);
			if (i < count - 1)
				keep();
		}
		send_batch(netlink);
		for (int i = 0; i < count; i++) {
			int number = FIRST + begun + i;

			add_address(number, address(node, block[i].host));
			keep();
			up(number);
			keep();
			up(1);
			keep();
			add_default_route(address(node, 1));
			send_batch(block[i].inside);
			let_go(&block[i]);
		}
	}
}

int main(int count, char **words)
{
	int several = count == 4 && !strcmp(words[3], "batched");
	int nodes = count == 3 || several ? atoi(words[1]) : 0, pods = nodes ? atoi(words[2]) : 0;
	struct timespec start, stop;
	double seconds = 0;

	if (nodes < 1 || pods < 1 || pods > 253) {
		fprintf(stderr, "usage: limit NODES PODS [batched]\n");
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
		add_bridge();
		send_and_wait(netlink);
		bridge = check((int)if_nametoindex("v-net-0") - 1, "bridge") + 1;
		up(bridge);
		send_and_wait(netlink);
		add_address(bridge, address(node, 1));
		send_and_wait(netlink);
		clock_gettime(CLOCK_MONOTONIC, &start);
		(several ? batched : one_by_one)(netlink, home, bridge, node, pods);
		clock_gettime(CLOCK_MONOTONIC, &stop);
		seconds += (double)(stop.tv_sec - start.tv_sec) + (double)(stop.tv_nsec - start.tv_nsec) / 1e9;
		close(netlink);
	}
	printf("%.6f\n", seconds);
	return 0;
}
