/* A security key made of software, for tests: the middleware interface of OpenSSH (PROTOCOL.u2f, sk-api version 10)
 * over libcrypto. OpenSSH's own ssh-sk-helper loads it, so that ssh-keygen and ssh-agent make real sk- signatures.
 * The key handle is the private key itself. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ED25519 1
#define FAILED -1

struct enrolled {
    uint8_t flags;
    uint8_t *public_key; size_t public_key_len;
    uint8_t *key_handle; size_t key_handle_len;
    uint8_t *signature; size_t signature_len;
    uint8_t *attestation_cert; size_t attestation_cert_len;
    uint8_t *authdata; size_t authdata_len;
};
struct signed_ {
    uint8_t flags;
    uint32_t counter;
    uint8_t *sig_r; size_t sig_r_len;
    uint8_t *sig_s; size_t sig_s_len;
};

uint32_t sk_api_version(void) { return 0x000a0000; }

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags,
              const char *pin, void **options, struct enrolled **out)
{
    (void)challenge, (void)challenge_len, (void)application, (void)pin, (void)options;
    struct enrolled *made = calloc(1, sizeof *made);
    EVP_PKEY *key = alg == ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : NULL;
    if (made == NULL || key == NULL)
        return FAILED;
    made->flags = flags;
    made->public_key = malloc(made->public_key_len = 32);
    made->key_handle = malloc(made->key_handle_len = 32);
    made->signature = calloc(1, made->signature_len = 1);
    made->attestation_cert = calloc(1, made->attestation_cert_len = 1);
    made->authdata = calloc(1, made->authdata_len = 1);
    EVP_PKEY_get_raw_public_key(key, made->public_key, &made->public_key_len);
    EVP_PKEY_get_raw_private_key(key, made->key_handle, &made->key_handle_len);
    EVP_PKEY_free(key);
    *out = made;
    return 0;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle,
            size_t handle_len, uint8_t flags, const char *pin, void **options, struct signed_ **out)
{
    (void)pin, (void)options;
    uint8_t text[32 + 1 + 4 + 32];
    struct signed_ *made = calloc(1, sizeof *made);
    EVP_PKEY *key = alg == ED25519 ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, handle, handle_len) : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (made == NULL || key == NULL || context == NULL)
        return FAILED;
    made->flags = flags;
    made->counter = 0x01020304;
    SHA256((const uint8_t *)application, strlen(application), text);
    text[32] = flags;
    memcpy(text + 33, "\1\2\3\4", 4);
    SHA256(data, data_len, text + 37);
    made->sig_r = malloc(made->sig_r_len = 64);
    EVP_DigestSignInit(context, NULL, NULL, NULL, key);
    EVP_DigestSign(context, made->sig_r, &made->sig_r_len, text, sizeof text);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    *out = made;
    return 0;
}

int sk_load_resident_keys(const char *pin, void **options, void ***keys, size_t *count)
{
    (void)pin, (void)options;
    *keys = NULL;
    *count = 0;
    return 0;
}
