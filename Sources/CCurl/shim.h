#pragma once

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

// Each function exists because Swift cannot call, or cannot safely express, what it wraps.

/// Sets an option that takes a `long`: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_long(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a C string, which libcurl copies: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_string(CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a pointer, which libcurl keeps: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a string list, which libcurl does not copy: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_list(CURL *_Nonnull handle, CURLoption option, struct curl_slist *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets the body of a POST, which libcurl copies: two variadic calls that must come in this order.
///
/// An empty Swift array has no address, and libcurl takes NULL for "no body set".
static inline CURLcode ccurl_set_post_body(CURL *_Nonnull handle, const void *_Nullable bytes, size_t count) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    if (code != CURLE_OK) return code;
    return curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes ? (const char *)bytes : "");
}

/// Sets the functions that libcurl calls during an exchange, and what it passes to them: `curl_easy_setopt` is variadic.
///
/// All receive `transfer`, except `close_socket`: a connection outlives the exchange that opened it. A libcurl without
/// OpenSSL ignores `start_handshake`.
static inline CURLcode ccurl_set_callbacks(
    CURL *_Nonnull handle, curl_write_callback _Nonnull receive_body, curl_write_callback _Nonnull receive_header,
    curl_opensocket_callback _Nonnull open_socket, curl_ssl_ctx_callback _Nonnull start_handshake,
    curl_prereq_callback _Nonnull approve_connection, void *_Nonnull transfer,
    curl_closesocket_callback _Nonnull close_socket, void *_Nonnull registry) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive_body);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, receive_header);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, transfer);
    if (!code && curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, start_handshake) == CURLE_OK)
        code = curl_easy_setopt(handle, CURLOPT_SSL_CTX_DATA, transfer);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, approve_connection);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_PREREQDATA, transfer);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    if (!code) code = curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, registry);
    return code;
}

static inline int ccurl_certificate_requested(
    SSL *_Nonnull ssl, X509 *_Nullable *_Nullable certificate, EVP_PKEY *_Nullable *_Nullable key) {
    SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    uintptr_t *last = SSL_CTX_get_app_data(context);
    if (last) *last = (uintptr_t)context;
    return 0;
}

/// Makes a TLS context write its own address to `last` when a server requests a client certificate: the functions are
/// macros, and `last` must outlive the context.
static inline void ccurl_record_certificate_requests(void *_Nonnull context, uintptr_t *_Nonnull last) {
    SSL_CTX_set_app_data((SSL_CTX *)context, last);
    SSL_CTX_set_client_cert_cb((SSL_CTX *)context, ccurl_certificate_requested);
}

/// Reads a `long`: `curl_easy_getinfo` is variadic.
static inline long ccurl_get_long(CURL *_Nonnull handle, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

/// Reads a `curl_off_t`: `curl_easy_getinfo` is variadic.
static inline curl_off_t ccurl_get_offset(CURL *_Nonnull handle, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : 0;
}

/// Reads a C string that libcurl owns: `curl_easy_getinfo` is variadic.
static inline const char *_Nullable ccurl_get_string(CURL *_Nonnull handle, CURLINFO info) {
    const char *value = NULL;
    return curl_easy_getinfo(handle, info, &value) == CURLE_OK ? value : NULL;
}

/// Sets an option of a multi handle that takes a `long`: `curl_multi_setopt` is variadic.
static inline CURLMcode ccurl_multi_set_long(CURLM *_Nonnull multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

/// Reads an IP address in network order and its port in host order; returns 4 or 16, or 0 for any other family.
///
/// The address is longer than the declared type of its member, so a copy made by Swift would truncate it.
static inline size_t ccurl_read_address(
    const struct curl_sockaddr *_Nonnull address, unsigned char *_Nonnull bytes, unsigned short *_Nonnull port) {
    const unsigned char *start = (const unsigned char *)address + offsetof(struct curl_sockaddr, addr);
    if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, start, sizeof ipv4);
        memcpy(bytes, &ipv4.sin_addr, 4);
        *port = ntohs(ipv4.sin_port);
        return 4;
    }
    if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, start, sizeof ipv6);
        memcpy(bytes, &ipv6.sin6_addr, 16);
        *port = ntohs(ipv6.sin6_port);
        return 16;
    }
    return 0;
}

static inline bool ccurl_is_address(
    const struct sockaddr_storage *_Nonnull address, const char *_Nonnull text, int port) {
    char buffer[INET6_ADDRSTRLEN];
    const void *bytes;
    in_port_t actual_port;
    if (address->ss_family == AF_INET) {
        bytes = &((const struct sockaddr_in *)address)->sin_addr;
        actual_port = ((const struct sockaddr_in *)address)->sin_port;
    } else if (address->ss_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
        actual_port = ((const struct sockaddr_in6 *)address)->sin6_port;
    } else {
        return false;
    }
    return ntohs(actual_port) == port && inet_ntop(address->ss_family, bytes, buffer, sizeof buffer) &&
           strcmp(buffer, text) == 0;
}

/// Tells whether a socket connects these addresses and ports, written as libcurl passes them to its pre-request
/// callback: casting `sockaddr` is undefined in Swift.
static inline bool ccurl_is_end(
    int socket, const char *_Nonnull local_address, int local_port, const char *_Nonnull remote_address,
    int remote_port) {
    struct sockaddr_storage local, remote;
    socklen_t local_size = sizeof local, remote_size = sizeof remote;
    return getsockname(socket, (struct sockaddr *)&local, &local_size) == 0 &&
           getpeername(socket, (struct sockaddr *)&remote, &remote_size) == 0 &&
           ccurl_is_address(&local, local_address, local_port) &&
           ccurl_is_address(&remote, remote_address, remote_port);
}

/// Tells whether a socket has connected: casting `sockaddr` is undefined in Swift.
static inline bool ccurl_is_connected(int socket) {
    struct sockaddr_storage remote;
    socklen_t size = sizeof remote;
    return getpeername(socket, (struct sockaddr *)&remote, &size) == 0;
}

/// Returns how many bytes have been read from a TCP connection, or 0 if the kernel does not count them: `ioctl` is
/// variadic.
///
/// The structure has the layout of the kernel's `tcp_info` (linux/tcp.h), which glibc declares without this member and
/// which cannot be included beside glibc's.
static inline unsigned long long ccurl_bytes_read(int socket) {
    struct {
        unsigned char other[128];
        unsigned long long tcpi_bytes_received;
    } info;
    socklen_t size = sizeof info;
    int unread = 0;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < sizeof info) return 0;
    if (ioctl(socket, FIONREAD, &unread) != 0 || info.tcpi_bytes_received < (unsigned long long)unread) return 0;
    return info.tcpi_bytes_received - unread;
}

/// Names the calling thread; Linux keeps 15 bytes. `prctl` is variadic, and `pthread_setname_np` needs a macro that
/// Swift does not define.
static inline void ccurl_name_thread(const char *_Nonnull name) {
    prctl(PR_SET_NAME, name);
}
