#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

/// Wrapper around prctl(PR_SET_DUMPABLE), a variadic function, which cannot be used from Swift.
static inline int clinux_set_dumpable(int is_dumpable) {
    return prctl(PR_SET_DUMPABLE, (unsigned long)is_dumpable, 0UL, 0UL, 0UL);
}

/// Wrapper around setrlimit(RLIMIT_CORE), whose first argument Swift sees as two types that do not fit.
static inline int clinux_set_core_limit(rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_CORE, &limit);
}

// Declared by <sys/mman.h> only with _GNU_SOURCE.
extern int memfd_create(const char *name, unsigned int flags);

/// Creates an empty file in memory that can be sealed. Source: memfd_create(2).
static inline int clinux_memory_file(void) {
    // MFD_CLOEXEC | MFD_ALLOW_SEALING
    return memfd_create("refundd", 3);
}

#endif
