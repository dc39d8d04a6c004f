// SHA-256 and MD5 by OpenSSL's libcrypto, which uses the CPU's instructions; names of JSON by their
// RFC 8785 form.
#include <openssl/evp.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"

rml_status rml_sha256(const void *data, size_t len, rml_hash *out)
{
    return EVP_Digest(data, len, out->bytes, NULL, EVP_sha256(), NULL) == 1 ? RML_OK
                                                                            : RML_ERR_MEMORY;
}

rml_status rml_md5(const void *data, size_t len, uint8_t out[16])
{
    return EVP_Digest(data, len, out, NULL, EVP_md5(), NULL) == 1 ? RML_OK : RML_ERR_MEMORY;
}

rml_status rml_sha256_begin(rml_sha256_state *s, rml_error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        s->handle = NULL;
        return rml_fail_memory(err, 256);
    }
    s->handle = context;
    return RML_OK;
}

void rml_sha256_add(rml_sha256_state *s, const void *data, size_t len)
{
    if (len > 0) {
        EVP_DigestUpdate(s->handle, data, len);
    }
}

void rml_sha256_end(rml_sha256_state *s, rml_hash *out)
{
    EVP_DigestFinal_ex(s->handle, out->bytes, NULL);
    rml_sha256_abort(s);
}

void rml_sha256_abort(rml_sha256_state *s)
{
    EVP_MD_CTX_free(s->handle);
    s->handle = NULL;
}

rml_status rml_json_hash(const rml_json *value, rml_hash *out, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_json_canonical(value, &text, err);
    if (!st && rml_sha256(text.data, text.len, out) != RML_OK) {
        st = rml_fail_memory(err, text.len);
    }
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_json_seal(rml_json_writer *w, rml_buffer *canonical, rml_hash *hash, rml_error *err)
{
    rml_arena arena = {0};
    const rml_json *value;
    size_t from = canonical->len;
    rml_status st = rml_json_finish(w);
    st = st ? st : rml_json_parse(&arena, rml_buffer_text(w->out), RML_STR("json"), &value, err);
    st = st ? st : rml_json_canonical(value, canonical, err);
    if (!st && hash != NULL &&
        rml_sha256(canonical->data + from, canonical->len - from, hash) != RML_OK) {
        st = rml_fail_memory(err, canonical->len);
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_json_text_hash(rml_str text, rml_hash *out, rml_error *err)
{
    rml_arena arena = {0};
    const rml_json *value;
    rml_status st = rml_json_parse(&arena, text, RML_STR("json"), &value, err);
    if (!st) {
        st = rml_json_hash(value, out, err);
    }
    rml_arena_reset(&arena);
    return st;
}
