#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/vfs.h>

/// Wrapper around prctl(PR_SET_DUMPABLE), a variadic function, which cannot be used from Swift.
static inline int clinux_set_dumpable(int is_dumpable) {
    return prctl(PR_SET_DUMPABLE, (unsigned long)is_dumpable, 0UL, 0UL, 0UL);
}

/// Wrapper around setrlimit(RLIMIT_CORE), whose first argument Swift sees as two types that do not fit.
static inline int clinux_set_core_limit(rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_CORE, &limit);
}

#endif
