/*
 * podnet-cni, the fast one: hands its CNI_* variables and its standard input to the daemon that has the plugin loaded
 * (resident.py, through kernel/local_server.py), and prints what that answers. Where no daemon runs, it becomes the slow one:
 * the program of its own name with "-python" behind, which loads the plugin for this one call.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SOCKET
#define SOCKET "/run/podnet/podnet-cni/socket"
#endif

extern char **environ;

static int broken(const char *what)
{
    printf("{\"cniVersion\": \"1.0.0\", \"code\": 11, \"msg\": \"podnet-cni's daemon %s\", \"details\": \"%s\"}", what, SOCKET);
    return 1;
}

static int put(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = write(to, bytes, length);
        if (done <= 0)
            return -1;
        bytes += done;
        length -= done;
    }
    return 0;
}

static int get(int from, void *bytes, size_t length)
{
    for (size_t have = 0; have < length;) {
        ssize_t done = read(from, (char *)bytes + have, length - have);
        if (done <= 0)
            return -1;
        have += done;
    }
    return 0;
}

static int slow(char **argv)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - sizeof "-python");
    if (length > 0) {
        strcpy(self + length, "-python");
        execv(self, argv);
    }
    return broken("does not run, and podnet-cni-python is not beside podnet-cni");
}

int main(int argc, char **argv)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    char bytes[65536];
    ssize_t length;
    (void)argc;
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (daemon < 0 || connect(daemon, (struct sockaddr *)&where, sizeof where) != 0)
        return slow(argv);

    /* First who waits: its mounts may be others than the daemon's. Never empty: the end of the variables is an empty one. */
    put(daemon, bytes, snprintf(bytes, sizeof bytes, "CALLER=%d", (int)getpid()) + 1);
    for (char **one = environ; *one; one++)
        if (strncmp(*one, "CNI_", 4) == 0)
            put(daemon, *one, strlen(*one) + 1);
    put(daemon, "", 1);
    while ((length = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (put(daemon, bytes, length) != 0)
            return broken("hung up");
    shutdown(daemon, SHUT_WR);

    uint8_t status;
    uint32_t printed;
    if (get(daemon, &status, 1) != 0 || get(daemon, &printed, 4) != 0)
        return broken("gave no answer");
    for (uint32_t left = ntohl(printed); left > 0; left -= length) {
        length = read(daemon, bytes, left < sizeof bytes ? left : sizeof bytes);
        if (length <= 0 || put(STDOUT_FILENO, bytes, length) != 0)
            return 1;
    }
    while ((length = read(daemon, bytes, sizeof bytes)) > 0)
        put(STDERR_FILENO, bytes, length);
    return status;
}
