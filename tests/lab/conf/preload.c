/* Loaded into every server that links OpenSSL dynamically. Two things that servers have no setting for:
   TLS secrets go to $LAB_KEYLOG in the NSS format, and connections to loopback leave from $LAB_SOURCE,
   so that in a capture a hop has one address, as a machine would. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void write_line(const void *ssl, const char *line) {
    const char *path = getenv("LAB_KEYLOG");
    char text[600];
    size_t n = strlen(line);
    (void)ssl;
    if (!path || n > sizeof text - 2) return;
    memcpy(text, line, n);
    text[n] = '\n';
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return;
    if (write(fd, text, n + 1) < 0) { /* nothing to be done about it */ }
    close(fd);
}

/* A program that loads OpenSSL late and privately (Python does) hides it from RTLD_NEXT. */
static void *of_openssl(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        void *library = dlopen("libssl.so.3", RTLD_LAZY | RTLD_NOLOAD);
        if (library) found = dlsym(library, name);
    }
    return found;
}

static void *with_log(void *ctx) {
    void (*set)(void *, void (*)(const void *, const char *)) = of_openssl("SSL_CTX_set_keylog_callback");
    if (ctx && set && getenv("LAB_KEYLOG")) set(ctx, write_line);
    return ctx;
}

void *SSL_CTX_new(const void *method) {
    void *(*real)(const void *) = of_openssl("SSL_CTX_new");
    return real ? with_log(real(method)) : NULL;
}

void *SSL_CTX_new_ex(void *lib, const char *propq, const void *method) {
    void *(*real)(void *, const char *, const void *) = of_openssl("SSL_CTX_new_ex");
    return real ? with_log(real(lib, propq, method)) : NULL;
}

int connect(int fd, const struct sockaddr *to, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    const char *source = getenv("LAB_SOURCE");
    if (source && to && to->sa_family == AF_INET && (ntohl(((const struct sockaddr_in *)to)->sin_addr.s_addr) >> 24) == 127) {
        struct sockaddr_in mine, wanted = {.sin_family = AF_INET};
        socklen_t n = sizeof mine;
        if (inet_aton(source, &wanted.sin_addr) && getsockname(fd, (struct sockaddr *)&mine, &n) == 0 && mine.sin_port == 0 &&
            mine.sin_addr.s_addr == 0) {
            int one = 1;
            setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
            if (bind(fd, (struct sockaddr *)&wanted, sizeof wanted)) { /* then from wherever the kernel likes */ }
        }
    }
    if (source && to && to->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)to)->sin6_addr)) {
        /* gRPC speaks to IPv4 through sockets of IPv6 */
        struct sockaddr_in6 wanted = {.sin6_family = AF_INET6};
        wanted.sin6_addr.s6_addr[10] = wanted.sin6_addr.s6_addr[11] = 0xff;
        if (inet_aton(source, (struct in_addr *)&wanted.sin6_addr.s6_addr[12])) bind(fd, (struct sockaddr *)&wanted, sizeof wanted);
    }
    return real(fd, to, length);
}
