// The rows of the reference program: the statements of refundd's hot path and nothing else.
#include "reference.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static sqlite3 *db;
static char endpoint[256];

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *statement;
    check(
        sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(db)
    );
    return statement;
}

// Binds numbers (i) and texts (t) in order.
static sqlite3_stmt *bound(sqlite3_stmt *statement, const char *types, ...) {
    va_list values;
    va_start(values, types);
    for (int place = 1; types[place - 1]; place++) {
        if (types[place - 1] == 'i') sqlite3_bind_int64(statement, place, va_arg(values, sqlite3_int64));
        else sqlite3_bind_text(statement, place, va_arg(values, const char *), -1, SQLITE_STATIC);
    }
    va_end(values);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(db));
    sqlite3_reset(statement);
}

void open_rows(const char *path, const char *url) {
    // Scheme, host and port.
    snprintf(endpoint, sizeof endpoint, "%.*s", (int)(strchr(strstr(url, "://") + 3, '/') - url), url);
    check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK, path);
    sqlite3_busy_timeout(db, 5000);
    check(sqlite3_exec(db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) == SQLITE_OK, path);
}

static void write_query(struct slot *slot) {
    static sqlite3_stmt *poll, *ledger, *event, *settle;
    sqlite3_int64 time = now();
    const char *status = strstr(slot->data, "\"trans_status\":");
    check(status && strstr(slot->data, slot->number), "an answer is about something else");
    check(status[15] == (workload == POLL ? '0' : '2'), "a refund has another status than expected");
    if (workload == POLL) {
        if (!poll) {
            poll = prepared("UPDATE refund_queue SET leased_until = NULL, attempts = attempts + 1, last_query_at = ?,"
                            " last_query_verified = 1, last_error = NULL, unknown_order = 0, updated_at = ?,"
                            " next_query_at = ? WHERE id = ? AND lease = ?");
        }
        return run(bound(poll, "iiiii", slot->sent, time, time + 3600000, slot->row, slot->lease));
    }
    if (!ledger) {
        ledger = prepared("INSERT INTO refund_transitions (refund_id, sequence, at, from_state, to_state, trans_status,"
                          " code, psn, response, actor, verdict, enqueued_at, number) VALUES"
                          " (?, 1, ?, 'pending', 'settled', 2, '0', ?, CAST(? AS BLOB), 'refundd', 'settled', ?, ?)");
        event = prepared("INSERT INTO refund_event_log (at, type, refund_id, sequence, state, body)"
                         " VALUES (?, 'refund.settled', ?, 1, 'settled', ?)");
        settle = prepared("UPDATE refund_queue SET state = 'settled', leased_until = NULL, trans_status = 2,"
                          " trans_amount = ?, trans_currency = ?, trans_end_at = 1767323045000, gateway_trans_no = ?,"
                          " orig_trans_no = ?, pay_channel_trans_no = ?, attempts = 1, last_query_at = ?,"
                          " last_query_verified = 1, updated_at = ?, next_query_at = NULL WHERE id = ? AND lease = ?");
    }
    char psn[64], amount[64], currency[64], trans[64], original[64], channel[64], body[3072];
    member(slot->answer, "psn", psn);
    member(slot->data, "\"trans_amount", amount);
    member(slot->data, "price_currency", currency);
    member(slot->data, "\"trans_no", trans);
    member(slot->data, "\"orig_trans_no", original);
    member(slot->data, "pay_channel_trans_no", channel);
    // As long as an event's body.
    snprintf(
        body, sizeof body,
        "{\"type\":\"refund.settled\",\"timestamp\":\"2026-01-02T03:04:05.123Z\",\"refund_id\":%lld,\"sequence\":1,"
        "\"gateway\":\"default\",\"merchant_no\":\"312100007235\",\"state\":\"settled\",\"data\":%s,"
        "\"previous_state\":\"pending\",\"attention\":null,\"actor\":\"refundd\",\"attempts\":1}",
        slot->row, slot->data
    );
    run(bound(ledger, "iittit", slot->row, time, psn, slot->answer, slot->created, slot->number));
    run(bound(event, "iit", time, slot->row, body));
    run(bound(settle, "tttttiiii", amount, currency, trans, original, channel, slot->sent, time, slot->row, slot->lease));
}

static void write_delivery(struct slot *slot) {
    static sqlite3_stmt *attempt, *delivered;
    sqlite3_int64 time = now();
    if (!attempt) {
        attempt = prepared("INSERT INTO refund_outbox_attempts (position, lease, at, status, duration_ms, answer)"
                           " VALUES (?, ?, ?, 200, ?, x'')");
        delivered = prepared("UPDATE refund_outbox SET state = 'delivered', attempts = attempts + 1,"
                             " next_attempt_at = NULL, last_status = 200, last_error = NULL, delivered_at = ?,"
                             " leased_until = NULL WHERE position = ? AND lease = ? AND state = 'pending'");
    }
    run(bound(attempt, "iiii", slot->row, slot->lease, slot->sent, time - slot->sent));
    run(bound(delivered, "iii", time, slot->row, slot->lease));
}

void exchange_rows(struct list *finished, struct list *idle, struct list *claimed) {
    static sqlite3_stmt *begin, *due, *claim, *end;
    if (!begin) {
        begin = prepared("BEGIN IMMEDIATE");
        end = prepared("COMMIT");
        due = prepared(
            workload == DELIVER
                ? "SELECT w.position, w.id, w.lease, 0, e.body FROM refund_outbox w INDEXED BY refund_outbox_due"
                  " JOIN refund_event_log e ON e.position = w.position WHERE w.state = 'pending'"
                  " AND w.leased_until IS NULL AND w.next_attempt_at <= ?"
                  " AND w.endpoint = ? ORDER BY w.next_attempt_at, w.position"
                : "SELECT id, merchant_order_no, lease, created_at FROM refund_queue INDEXED BY refund_queue_due"
                  " WHERE state IN ('pending', 'processing') AND leased_until IS NULL AND gateway = 'default'"
                  " AND next_query_at <= ? ORDER BY next_query_at, id"
        );
        claim = prepared(
            workload == DELIVER ? "UPDATE refund_outbox SET leased_until = ?, lease = lease + 1"
                                  " WHERE position IN (SELECT value FROM json_each(?))"
                                : "UPDATE refund_queue SET leased_until = ?, lease = lease + 1"
                                  " WHERE id IN (SELECT value FROM json_each(?))"
        );
    }
    run(begin);
    for (struct slot *slot; (slot = take(finished)); append(idle, slot)) {
        if (workload == DELIVER) write_delivery(slot);
        else write_query(slot);
    }
    sqlite3_int64 time = now();
    char ids[IN_FLIGHT * 24] = "[", *place = ids + 1;
    bound(due, workload == DELIVER ? "it" : "i", time, endpoint);
    while (idle->first && sqlite3_step(due) == SQLITE_ROW) {
        struct slot *slot = take(idle);
        slot->row = sqlite3_column_int64(due, 0);
        snprintf(slot->number, sizeof slot->number, "%s", sqlite3_column_text(due, 1));
        slot->lease = sqlite3_column_int64(due, 2) + 1;
        slot->created = sqlite3_column_int64(due, 3);
        if (workload == DELIVER) {
            slot->request_length = sqlite3_column_bytes(due, 4);
            check(slot->request_length < sizeof slot->request, "a body is too long");
            memcpy(slot->request, sqlite3_column_text(due, 4), slot->request_length + 1);
        }
        place += sprintf(place, "%s%lld", claimed->first ? "," : "", slot->row);
        append(claimed, slot);
    }
    sqlite3_reset(due);
    strcpy(place, "]");
    if (claimed->first) run(bound(claim, "it", time + 70000, ids));
    run(end);
}
