#include "dkim/rsa_context.h"

#include "dkim/digest.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

EVP_PKEY_CTX *rsa_context_new(EVP_PKEY *rsa, int (*init)(EVP_PKEY_CTX *context))
{
	const EVP_MD *sha256 = dkim_sha256();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, rsa, NULL);

	/* Without a digest OpenSSL would sign the bare octets, which is another scheme. */
	if (context && sha256 && init(context) == 1 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, sha256) == 1)
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}
