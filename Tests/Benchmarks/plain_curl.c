// Posts bodies with libcurl's multi interface and nothing around it: what a webhook costs at least.
//
// Usage: plain_curl URL CA IN_FLIGHT FILE, each line of FILE being an id, a tab and a body.
// Prints as JSON the CPU seconds per post, without those of the first posts, which open the connections.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { WARM_UP = 512 };

struct post {
    char *body;
    struct curl_slist *headers;
};

static size_t discard(char *data, size_t size, size_t count, void *context) {
    (void)data;
    (void)context;
    return size * count;
}

static void check(int is_right, const char *what) {
    if (!is_right) {
        fprintf(stderr, "plain_curl: %s\n", what);
        exit(1);
    }
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// Takes the next line, or returns 0 at the end.
static int next_post(FILE *file, struct post *post) {
    static char *line;
    static size_t capacity;
    if (getline(&line, &capacity, file) < 0) return 0;
    char *body = strchr(line, '\t');
    check(body != NULL, "a line has no tab");
    *body++ = 0;
    body[strcspn(body, "\n")] = 0;
    char id[128];
    snprintf(id, sizeof id, "webhook-id: %s", line);
    post->body = strdup(body);
    post->headers = curl_slist_append(NULL, "Content-Type: application/json");
    post->headers = curl_slist_append(post->headers, id);
    post->headers = curl_slist_append(post->headers, "webhook-timestamp: 1767323045");
    post->headers = curl_slist_append(
        post->headers, "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
    );
    return 1;
}

int main(int count, char **arguments) {
    check(count == 5, "usage: plain_curl URL CA IN_FLIGHT FILE");
    int in_flight = atoi(arguments[3]);
    FILE *file = fopen(arguments[4], "r");
    check(file != NULL, "the file of bodies cannot be read");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    struct post *posts = calloc(in_flight, sizeof *posts);
    CURL **handles = calloc(in_flight, sizeof *handles);
    long sent = 0;
    int running = 0;
    double begin = cpu_seconds();
    long counted_from = 0;

    for (int place = 0; place < in_flight && next_post(file, &posts[place]); place++) {
        CURL *handle = handles[place] = curl_easy_init();
        curl_easy_setopt(handle, CURLOPT_URL, arguments[1]);
        curl_easy_setopt(handle, CURLOPT_CAINFO, arguments[2]);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard);
        curl_easy_setopt(handle, CURLOPT_PRIVATE, &posts[place]);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, posts[place].body);
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, posts[place].headers);
        curl_multi_add_handle(multi, handle);
    }
    do {
        check(curl_multi_perform(multi, &running) == CURLM_OK, "curl_multi_perform failed");
        CURLMsg *message;
        int left;
        while ((message = curl_multi_info_read(multi, &left))) {
            CURL *handle = message->easy_handle;
            struct post *post;
            long status = 0;
            curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(handle, CURLINFO_PRIVATE, &post);
            check(message->data.result == CURLE_OK && status == 200, "a post failed");
            if (++sent == WARM_UP) begin = cpu_seconds(), counted_from = sent;
            curl_multi_remove_handle(multi, handle);
            free(post->body);
            curl_slist_free_all(post->headers);
            if (!next_post(file, post)) continue;
            curl_easy_setopt(handle, CURLOPT_POSTFIELDS, post->body);
            curl_easy_setopt(handle, CURLOPT_HTTPHEADER, post->headers);
            curl_multi_add_handle(multi, handle);
            running++;
        }
        if (running) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    } while (running);

    sent -= counted_from;
    printf("{\"cpu_per_post\": %.9f, \"posts\": %ld}\n", (cpu_seconds() - begin) / sent, sent);
    return 0;
}
