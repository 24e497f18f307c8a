#pragma once

#include <curl/curl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

// Every function here exists because Swift cannot call, or cannot safely express, what it wraps.

/// Sets an option that takes a `long`: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_long(CURL *_Nonnull handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a `curl_off_t`: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_offset(CURL *_Nonnull handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a C string, which libcurl copies: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_string(CURL *_Nonnull handle, CURLoption option, const char *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a pointer of the caller's, which libcurl keeps: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_pointer(CURL *_Nonnull handle, CURLoption option, void *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets an option that takes a string list, which libcurl does not copy: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_list(CURL *_Nonnull handle, CURLoption option, struct curl_slist *_Nullable value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets the body of a POST, which libcurl copies: two variadic calls that are right in this order only.
///
/// Without bytes (an empty Swift array has no address) the body is empty; libcurl would take NULL for "no body set".
static inline CURLcode ccurl_set_post_body(CURL *_Nonnull handle, const void *_Nullable bytes, size_t count) {
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    if (code != CURLE_OK) return code;
    return curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, bytes ? (const char *)bytes : "");
}

/// Sets an option that takes a function receiving bytes: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_receiver(
    CURL *_Nonnull handle, CURLoption option, curl_write_callback _Nonnull value) {
    return curl_easy_setopt(handle, option, value);
}

/// Sets the function that opens each socket: `curl_easy_setopt` is variadic.
static inline CURLcode ccurl_set_socket_opener(CURL *_Nonnull handle, curl_opensocket_callback _Nonnull value) {
    return curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, value);
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
/// The address lies in memory longer than the type of its member, so that a copy made by Swift would cut it short.
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

/// Names the calling thread, of which Linux takes 15 bytes: `prctl` is variadic, and `pthread_setname_np` needs a macro
/// that Swift does not define.
static inline void ccurl_name_thread(const char *_Nonnull name) {
    prctl(PR_SET_NAME, name);
}
