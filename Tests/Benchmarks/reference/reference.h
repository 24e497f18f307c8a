// What the parts of the reference program share; `reference.c` says what it is.
#pragma once

#include <curl/curl.h>
#include <sqlite3.h>

enum { IN_FLIGHT = 64 };

// A row in flight.
struct slot {
    struct slot *next;
    CURL *handle;
    struct curl_slist *headers;
    sqlite3_int64 row, lease, created, sent;
    char number[64], request[4096], answer[4096], data[2048];
    size_t request_length, answer_length;
};
struct list {
    struct slot *first, **end;
};

extern enum workload { POLL, SETTLE, DELIVER } workload;

// Ends the program unless something is right.
void check(int is_right, const char *what);

// Unix milliseconds.
sqlite3_int64 now(void);

static inline void append(struct list *list, struct slot *slot) {
    if (!list->first) list->end = &list->first;
    slot->next = NULL;
    *list->end = slot;
    list->end = &slot->next;
}

static inline struct slot *take(struct list *list) {
    struct slot *slot = list->first;
    if (slot) list->first = slot->next;
    return slot;
}

// Copies the string member of an object, unescaped; returns the copy's end.
char *member(const char *json, const char *name, char *text);

// Opens the database; the URL is that of all webhooks.
void open_rows(const char *path, const char *url);

// Writes what became of the finished rows, and claims as many others as slots are idle, in one transaction.
void exchange_rows(struct list *finished, struct list *idle, struct list *claimed);
