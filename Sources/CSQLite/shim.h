#pragma once

#include <sqlite3.h>

/// Stops SQLite from counting the memory that it takes, which locks a mutex twice for each piece: `sqlite3_config` is
/// variadic.
///
/// Does nothing once SQLite is in use.
static inline void csqlite_disable_memory_statistics(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
