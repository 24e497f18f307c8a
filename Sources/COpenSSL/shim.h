#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/// Wrapper around EVP_RSA_gen(), a macro over a variadic function, neither of which can be used from Swift.
static inline EVP_PKEY *_Nullable copenssl_generate_rsa(size_t bits) {
    return EVP_RSA_gen(bits);
}

/// Wrapper around OPENSSL_free(), a macro that adds the file and the line of its caller.
static inline void copenssl_free(void *_Nullable memory) {
    OPENSSL_free(memory);
}

/// Wrapper around BIO_get_mem_data(), a macro that casts the address of the pointer it sets.
static inline long copenssl_memory_data(BIO *_Nonnull bio, char *_Nullable *_Nonnull start) {
    return BIO_get_mem_data(bio, start);
}

#endif
