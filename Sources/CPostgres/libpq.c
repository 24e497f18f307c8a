#include "libpq.h"

#include <dlfcn.h>
#include <pthread.h>

// Each function once: its result, its name, its parameters, and how they are passed on. A mistake in a type does not
// compile, because the declaration of libpq is there too.
#define FUNCTIONS(X)                                                                                                    \
    X(PGconn *, PQconnectStartParams, (const char *const *k, const char *const *v, int x), (k, v, x))                   \
    X(PostgresPollingStatusType, PQconnectPoll, (PGconn * c), (c))                                                      \
    X(ConnStatusType, PQstatus, (const PGconn *c), (c))                                                                 \
    X(PGTransactionStatusType, PQtransactionStatus, (const PGconn *c), (c))                                             \
    X(char *, PQerrorMessage, (const PGconn *c), (c))                                                                   \
    X(int, PQbackendPID, (const PGconn *c), (c))                                                                        \
    X(int, PQsocket, (const PGconn *c), (c))                                                                            \
    X(void, PQfinish, (PGconn * c), (c))                                                                                \
    X(int, PQsetnonblocking, (PGconn * c, int n), (c, n))                                                               \
    X(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn * c, PQnoticeReceiver f, void *a), (c, f, a))                      \
    X(int, PQenterPipelineMode, (PGconn * c), (c))                                                                      \
    X(int, PQexitPipelineMode, (PGconn * c), (c))                                                                       \
    X(int, PQpipelineSync, (PGconn * c), (c))                                                                           \
    X(int, PQsendQuery, (PGconn * c, const char *q), (c, q))                                                            \
    X(int, PQsendPrepare, (PGconn * c, const char *s, const char *q, int n, const Oid *t), (c, s, q, n, t))             \
    X(int, PQsendQueryPrepared,                                                                                         \
      (PGconn * c, const char *s, int n, const char *const *v, const int *l, const int *f, int r),                      \
      (c, s, n, v, l, f, r))                                                                                            \
    X(int, PQflush, (PGconn * c), (c))                                                                                  \
    X(int, PQconsumeInput, (PGconn * c), (c))                                                                           \
    X(int, PQisBusy, (PGconn * c), (c))                                                                                 \
    X(PGresult *, PQgetResult, (PGconn * c), (c))                                                                       \
    X(PGnotify *, PQnotifies, (PGconn * c), (c))                                                                        \
    X(void, PQfreemem, (void *p), (p))                                                                                  \
    X(void, PQclear, (PGresult * r), (r))                                                                               \
    X(ExecStatusType, PQresultStatus, (const PGresult *r), (r))                                                         \
    X(char *, PQresultErrorField, (const PGresult *r, int f), (r, f))                                                   \
    X(int, PQntuples, (const PGresult *r), (r))                                                                         \
    X(int, PQnfields, (const PGresult *r), (r))                                                                         \
    X(Oid, PQftype, (const PGresult *r, int n), (r, n))                                                                 \
    X(char *, PQcmdTuples, (PGresult * r), (r))                                                                         \
    X(char *, PQgetvalue, (const PGresult *r, int t, int f), (r, t, f))                                                 \
    X(int, PQgetlength, (const PGresult *r, int t, int f), (r, t, f))                                                   \
    X(int, PQgetisnull, (const PGresult *r, int t, int f), (r, t, f))

#define POINTER(type, name, parameters, arguments) type(*name) parameters;
static struct {
    FUNCTIONS(POINTER)
} library;

// Hidden, so that libpq itself never finds these instead of its own.
#define FORWARD(type, name, parameters, arguments)                                                                      \
    __attribute__((visibility("hidden"))) type name parameters { return library.name arguments; }
FUNCTIONS(FORWARD)

static const char *problem;
static char text[256];

static void load(void) {
    void *handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        size_t length = 0;
        for (; reason != NULL && reason[length] != 0 && length < sizeof text - 1; length++) text[length] = reason[length];
        problem = text;
        return;
    }
#define FIND(type, name, parameters, arguments)                                                                         \
    library.name = (type(*) parameters)dlsym(handle, #name);                                                            \
    if (library.name == NULL) {                                                                                         \
        problem = "libpq.so.5 has no " #name ": it is older than PostgreSQL 14";                                        \
        return;                                                                                                         \
    }
    FUNCTIONS(FIND)
}

const char *cpostgres_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return problem;
}
