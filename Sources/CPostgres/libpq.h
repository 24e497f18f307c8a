#pragma once

#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif

/// Loads libpq into the process; may be called any number of times, from any thread.
///
/// A program linked with libpq would load it, and the libraries of Kerberos and LDAP behind it, whether or not it has a
/// queue on PostgreSQL. So the functions of libpq that refundd calls are defined in this module, and forward.
///
/// Returns null, or why the library cannot be loaded. Until it is, nothing else may be called.
const char *_Nullable cpostgres_load(void);
