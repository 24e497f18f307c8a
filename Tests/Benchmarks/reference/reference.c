// The work of refundd with nothing that could be left out: what a query and a webhook cost at least.
//
// Usage: reference poll|settle|deliver URL CA DATABASE APP_KEY GATEWAY_KEY SECRET COUNT
//
// Takes COUNT due rows of a queue that `refundd init` created, 64 in flight. Like refundd it claims them, signs on two
// threads, sends over TLS, verifies the answers, and writes what became of them durably, one transaction a batch. Unlike
// refundd it knows the answers' shape, and ends if anything is not as expected. Prints as JSON the CPU seconds per row,
// without those of the first rows, which open the connections.
#include "reference.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH = 32, SIGNERS = 2, SIGNED_AT_ONCE = 8, WARM_UP = 512 };

enum workload workload;
static CURLM *multi;
static EVP_MD_CTX *signing, *verifying;
static unsigned char secret[64];
static int secret_length, is_ending;
static struct list unsigned_slots, signed_slots;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_unsigned = PTHREAD_COND_INITIALIZER;

void check(int is_right, const char *what) {
    if (is_right) return;
    fprintf(stderr, "reference: %s\n", what);
    exit(1);
}

sqlite3_int64 now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void *sign(void *unused) {
    (void)unused;
    struct slot *batch[SIGNED_AT_ONCE];
    pthread_mutex_lock(&lock);
    for (;;) {
        int count = 0;
        while (count < SIGNED_AT_ONCE && (batch[count] = take(&unsigned_slots))) count++;
        if (!count) {
            if (is_ending) break;
            pthread_cond_wait(&has_unsigned, &lock);
            continue;
        }
        pthread_mutex_unlock(&lock);
        for (int place = 0; place < count; place++) {
            struct slot *slot = batch[place];
            char text[1024], code[512];
            unsigned char signature[256];
            size_t length = sizeof signature;
            int text_length = snprintf(
                text, sizeof text,
                "app_id=wz715fc0d10ee9d156&charset=UTF-8&format=JSON&merchant_no=312100007235&merchant_order_no=%s"
                "&method=order.refund.query&sign_type=RSA2&timestamp=%lld&version=1.0",
                slot->number, slot->sent
            );
            EVP_MD_CTX *context = EVP_MD_CTX_new();
            EVP_MD_CTX_copy_ex(context, signing);
            check(EVP_DigestSign(context, signature, &length, (unsigned char *)text, text_length) == 1, "signing");
            EVP_MD_CTX_free(context);
            EVP_EncodeBlock((unsigned char *)code, signature, length);
            slot->request_length = snprintf(
                slot->request, sizeof slot->request,
                "{\"app_id\":\"wz715fc0d10ee9d156\",\"method\":\"order.refund.query\",\"format\":\"JSON\","
                "\"charset\":\"UTF-8\",\"sign_type\":\"RSA2\",\"version\":\"1.0\",\"timestamp\":\"%lld\","
                "\"merchant_no\":\"312100007235\",\"merchant_order_no\":\"%s\",\"sign\":\"%s\"}",
                slot->sent, slot->number, code
            );
        }
        pthread_mutex_lock(&lock);
        for (int place = 0; place < count; place++) append(&signed_slots, batch[place]);
        curl_multi_wakeup(multi);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void sign_webhook(struct slot *slot) {
    char text[8192], line[256] = "webhook-signature: v1,";
    unsigned char code[32];
    int length = snprintf(text, sizeof text, "%s.%lld.%s", slot->number, slot->sent / 1000, slot->request);
    HMAC(EVP_sha256(), secret, secret_length, (unsigned char *)text, length, code, NULL);
    EVP_EncodeBlock((unsigned char *)line + strlen(line), code, sizeof code);
    curl_slist_free_all(slot->headers);
    slot->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), line);
    snprintf(line, sizeof line, "webhook-id: %s", slot->number);
    curl_slist_append(slot->headers, line);
    snprintf(line, sizeof line, "webhook-timestamp: %lld", slot->sent / 1000);
    curl_slist_append(slot->headers, line);
}

static void start(struct slot *slot) {
    slot->answer_length = 0;
    curl_easy_setopt(slot->handle, CURLOPT_POSTFIELDS, slot->request);
    curl_easy_setopt(slot->handle, CURLOPT_POSTFIELDSIZE, (long)slot->request_length);
    curl_easy_setopt(slot->handle, CURLOPT_HTTPHEADER, slot->headers);
    check(curl_multi_add_handle(multi, slot->handle) == CURLM_OK, "curl_multi_add_handle");
}

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
    struct slot *slot = context;
    if (slot->answer_length + size * count >= sizeof slot->answer) return 0;
    memcpy(slot->answer + slot->answer_length, bytes, size * count);
    slot->answer_length += size * count;
    return size * count;
}

char *member(const char *json, const char *name, char *text) {
    const char *place = strstr(json, name);
    check(place != NULL, name);
    for (place += strlen(name) + 3; *place != '"'; *text++ = *place++) {
        if (*place == '\\') place++;
    }
    *text = 0;
    return text;
}

static void verify(struct slot *slot) {
    char text[4096] = "code=", code[1024];
    unsigned char signature[512];
    slot->answer[slot->answer_length] = 0;
    char *data = strcpy(member(slot->answer, "\"code", text + 5), "&data=") + 6;
    char *end = member(slot->answer, "\"data", data);
    memcpy(slot->data, data, end - data + 1);
    end = member(slot->answer, "\"msg", strcpy(end, "&msg=") + 5);
    end = member(slot->answer, "\"psn", strcpy(end, "&psn=") + 5);
    member(slot->answer, "\"sign", code);
    EVP_DecodeBlock(signature, (unsigned char *)code, strlen(code));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_MD_CTX_copy_ex(context, verifying);
    check(EVP_DigestVerify(context, signature, 256, (unsigned char *)text, end - text) == 1, "an answer is not genuine");
    EVP_MD_CTX_free(context);
}

// Takes the next rows and starts them.
static void commit(struct list *finished, struct list *idle) {
    struct list claimed = {0};
    exchange_rows(finished, idle, &claimed);
    sqlite3_int64 time = now();
    if (workload != DELIVER) pthread_mutex_lock(&lock);
    for (struct slot *slot; (slot = take(&claimed));) {
        slot->sent = time;
        if (workload != DELIVER) {
            append(&unsigned_slots, slot);
            continue;
        }
        sign_webhook(slot);
        start(slot);
    }
    if (workload == DELIVER) return;
    pthread_cond_broadcast(&has_unsigned);
    pthread_mutex_unlock(&lock);
}

static EVP_PKEY *key(const char *path, EVP_PKEY *(*read)(FILE *, EVP_PKEY **, pem_password_cb *, void *)) {
    FILE *file = fopen(path, "r");
    check(file != NULL, path);
    EVP_PKEY *key = read(file, NULL, NULL, NULL);
    check(key != NULL, path);
    fclose(file);
    return key;
}

static void read_secret(const char *path) {
    unsigned char text[128] = "";
    FILE *file = fopen(path, "r");
    check(file && fscanf(file, "whsec_%127s", text) == 1, path);
    fclose(file);
    secret_length = EVP_DecodeBlock(secret, text, strlen((char *)text));
    for (char *pad = strchr((char *)text, '='); pad && *pad == '='; pad++) secret_length--;
}

static void set_up_handle(struct slot *slot, const char *url, const char *ca) {
    slot->handle = curl_easy_init();
    curl_easy_setopt(slot->handle, CURLOPT_URL, url);
    curl_easy_setopt(slot->handle, CURLOPT_CAINFO, ca);
    curl_easy_setopt(slot->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(slot->handle, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(slot->handle, CURLOPT_PRIVATE, slot);
    slot->headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_slist_append(slot->headers, "Accept: application/json");
    curl_slist_append(slot->headers, "Accept-Encoding: identity");
}

int main(int count, char **arguments) {
    static struct slot slots[IN_FLIGHT];
    check(count == 9, "usage: reference poll|settle|deliver URL CA DATABASE APP_KEY GATEWAY_KEY SECRET COUNT");
    workload = arguments[1][0] == 'p' ? POLL : arguments[1][0] == 's' ? SETTLE : DELIVER;
    long wanted = atol(arguments[8]), done = 0;
    open_rows(arguments[4], arguments[2]);
    signing = EVP_MD_CTX_new();
    verifying = EVP_MD_CTX_new();
    check(EVP_DigestSignInit(signing, NULL, EVP_sha256(), NULL, key(arguments[5], PEM_read_PrivateKey)) == 1, "key");
    check(EVP_DigestVerifyInit(verifying, NULL, EVP_sha256(), NULL, key(arguments[6], PEM_read_PUBKEY)) == 1, "key");
    read_secret(arguments[7]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT);
    struct list idle = {0}, finished = {0};
    for (int place = 0; place < IN_FLIGHT; place++) {
        set_up_handle(&slots[place], arguments[2], arguments[3]);
        append(&idle, &slots[place]);
    }
    pthread_t signers[SIGNERS];
    for (int place = 0; place < SIGNERS; place++) pthread_create(&signers[place], NULL, sign, NULL);

    double begin = 0;
    long measured = 0;
    commit(&finished, &idle);
    for (int waiting = 0; done < wanted;) {
        pthread_mutex_lock(&lock);
        struct list ready = signed_slots;
        signed_slots.first = NULL;
        pthread_mutex_unlock(&lock);
        for (struct slot *slot; (slot = take(&ready));) start(slot);
        int running, left;
        check(curl_multi_perform(multi, &running) == CURLM_OK, "curl_multi_perform");
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
            CURL *handle = message->easy_handle;
            struct slot *slot;
            long status = 0;
            curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(handle, CURLINFO_PRIVATE, &slot);
            check(message->data.result == CURLE_OK && status == 200, "a request failed");
            curl_multi_remove_handle(multi, handle);
            if (workload != DELIVER) verify(slot);
            append(&finished, slot);
            waiting++;
        }
        if (waiting >= BATCH || done + waiting >= wanted) {
            done += waiting;
            waiting = 0;
            commit(&finished, &idle);
            if (!begin && done >= WARM_UP) begin = cpu_seconds(), measured = done;
        } else {
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
    }
    printf("{\"cpu\": %.9f, \"count\": %ld}\n", (cpu_seconds() - begin) / (done - measured), done - measured);
    pthread_mutex_lock(&lock);
    is_ending = 1;
    pthread_cond_broadcast(&has_unsigned);
    pthread_mutex_unlock(&lock);
    for (int place = 0; place < SIGNERS; place++) pthread_join(signers[place], NULL);
    return 0;
}
