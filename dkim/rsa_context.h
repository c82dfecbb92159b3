/* OpenSSL's context for one RSA signature of DKIM, made or checked. */
#ifndef DKIM_RSA_CONTEXT_H
#define DKIM_RSA_CONTEXT_H

#include <openssl/types.h>

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2, RFC 6376 section 3.3.3).
 *   init  what it is for: EVP_PKEY_sign_init, EVP_PKEY_verify_init or EVP_PKEY_verify_recover_init
 * Free it with EVP_PKEY_CTX_free(). NULL when OpenSSL refuses: crypto_out_of_memory() tells whether that was memory. */
EVP_PKEY_CTX *rsa_context_new(EVP_PKEY *rsa, int (*init)(EVP_PKEY_CTX *context));

#endif
