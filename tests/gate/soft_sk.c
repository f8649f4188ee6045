/* A security key made of software, for tests: the middleware interface of OpenSSH (PROTOCOL.u2f, sk-api version 10)
 * over libcrypto. OpenSSH's own ssh-sk-helper loads it, so that ssh-keygen and ssh-agent make real sk- signatures.
 * The key handle is the private key itself, as DER. */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ECDSA 0
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

static EVP_PKEY *fresh(uint32_t alg)
{
    if (alg == ECDSA)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    return alg == ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : NULL;
}

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len, const char *application, uint8_t flags,
              const char *pin, void **options, struct enrolled **out)
{
    (void)challenge, (void)challenge_len, (void)application, (void)pin, (void)options;
    struct enrolled *made = calloc(1, sizeof *made);
    EVP_PKEY *key = fresh(alg);
    if (made == NULL || key == NULL)
        return FAILED;
    made->flags = flags;
    if (alg == ECDSA) {
        made->public_key_len = EVP_PKEY_get1_encoded_public_key(key, &made->public_key);
    } else {
        made->public_key = malloc(made->public_key_len = 32);
        EVP_PKEY_get_raw_public_key(key, made->public_key, &made->public_key_len);
    }
    made->key_handle_len = i2d_PrivateKey(key, &made->key_handle);
    made->signature = calloc(1, made->signature_len = 1);
    made->attestation_cert = calloc(1, made->attestation_cert_len = 1);
    made->authdata = calloc(1, made->authdata_len = 1);
    EVP_PKEY_free(key);
    *out = made;
    return 0;
}

static uint8_t *number(const BIGNUM *value, size_t *size)
{
    uint8_t *bytes = malloc(*size = BN_num_bytes(value));
    BN_bn2bin(value, bytes);
    return bytes;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle,
            size_t handle_len, uint8_t flags, const char *pin, void **options, struct signed_ **out)
{
    (void)pin, (void)options;
    uint8_t text[32 + 1 + 4 + 32], signature[128];
    size_t size = sizeof signature;
    const uint8_t *at = handle, *begin = signature;
    struct signed_ *made = calloc(1, sizeof *made);
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, handle_len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (made == NULL || key == NULL || context == NULL)
        return FAILED;
    made->flags = flags;
    made->counter = 0x01020304;
    SHA256((const uint8_t *)application, strlen(application), text);
    text[32] = flags;
    memcpy(text + 33, "\1\2\3\4", 4);
    SHA256(data, data_len, text + 37);
    EVP_DigestSignInit(context, NULL, alg == ECDSA ? EVP_sha256() : NULL, NULL, key);
    EVP_DigestSign(context, signature, &size, text, sizeof text);
    if (alg == ECDSA) {
        ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &begin, size);
        made->sig_r = number(ECDSA_SIG_get0_r(pair), &made->sig_r_len);
        made->sig_s = number(ECDSA_SIG_get0_s(pair), &made->sig_s_len);
        ECDSA_SIG_free(pair);
    } else {
        made->sig_r = malloc(made->sig_r_len = size);
        memcpy(made->sig_r, signature, size);
    }
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
