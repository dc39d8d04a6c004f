// A verdict as an object of the catalog: named by the hash of its canonical JSON, linked to what it
// judged, and written into the audit chain in the same transaction.
#include "gate.h"

#include "roadmill/codec.h"
#include "roadmill/os.h"

static void write_conditions(rml_json_writer *w, const rml_gate_result *result)
{
    rml_json_key(w, "conditions");
    rml_json_list(w);
    for (size_t i = 0; i < result->condition_count; i++) {
        const rml_condition *c = &result->conditions[i];
        rml_json_object(w);
        rml_json_kv_str(w, "name", c->name);
        rml_json_kv_str(w, "verdict", rml_str_of(rml_verdict_name(c->verdict)));
        rml_json_kv_f64(w, "value", c->value);
        rml_json_kv_f64(w, "low", c->low);
        rml_json_kv_f64(w, "high", c->high);
        rml_json_kv_f64(w, "limit", c->limit);
        rml_json_kv_str(w, "reason", c->reason);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_approvals(rml_json_writer *w, const rml_gate_request *r)
{
    rml_json_key(w, "approvals");
    rml_json_list(w);
    for (size_t i = 0; i < r->approval_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "role", r->approvals[i].role);
        rml_json_kv_str(w, "person", r->approvals[i].person);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

// The names of what was judged; empty where it is missing.
typedef struct names {
    char evaluation[RML_HASH_TEXT], version[RML_HASH_TEXT], policy[RML_HASH_TEXT];
} names;

static rml_status find_names(const rml_gate *g, names *out, rml_error *err)
{
    *out = (names){0};
    rml_hash hash;
    if (g->evaluation) {
        RML_TRY(rml_json_text_hash(g->request->evaluation, &hash, err));
        rml_hash_text(&hash, out->evaluation);
    }
    if (g->manifest) {
        rml_hash_text(&g->version, out->version);
    }
    rml_str policy = g->request->policy.len > 0 ? g->request->policy : rml_gate_builtin();
    if (rml_sha256(policy.data, policy.len, &hash) != RML_OK) {
        return rml_fail_memory(err, policy.len);
    }
    rml_hash_text(&hash, out->policy);
    return RML_OK;
}

// The verdict in its canonical form, and its name.
static rml_status write_body(const rml_gate *g, const names *n, const rml_gate_result *result,
                             rml_buffer *out, rml_hash *hash, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "kind", RML_STR("gate"));
    rml_json_kv_str(&w, "verdict", rml_str_of(rml_verdict_name(result->verdict)));
    rml_json_kv_str(&w, "reason", result->reason);
    rml_json_kv_str(&w, "model", g->request->model);
    rml_json_kv_str(&w, "evaluation", rml_str_of(n->evaluation));
    rml_json_kv_str(&w, "version", rml_str_of(n->version));
    rml_json_kv_str(&w, "policy", g->policy.name);
    rml_json_kv_str(&w, "policy_sha256", rml_str_of(n->policy));
    write_approvals(&w, g->request);
    write_conditions(&w, result);
    rml_json_object_end(&w);
    rml_status st = rml_json_seal(&w, out, hash, err);
    rml_buffer_reset(&text);
    return st;
}

static rml_status link_to(rml_catalog *catalog, const char *gate, rml_str to, const char *role,
                          rml_error *err)
{
    rml_edge edge = {rml_str_of(gate), to, rml_str_of(role)};
    return to.len > 0 ? rml_catalog_link(catalog, &edge, err) : RML_OK;
}

static rml_status put(rml_catalog *catalog, const rml_gate *g, const names *n, rml_str body,
                      const rml_gate_result *result, rml_error *err)
{
    rml_object_row row = {.kind = RML_STR("gate"),
                          .hash = rml_str_of(result->hash),
                          .name = g->request->model,
                          .body = body};
    RML_TRY(rml_catalog_put(catalog, &row, err));
    RML_TRY(link_to(catalog, result->hash, g->request->model, "model", err));
    RML_TRY(link_to(catalog, result->hash, rml_str_of(n->evaluation), "evaluation", err));
    RML_TRY(link_to(catalog, result->hash, rml_str_of(n->version), "version", err));
    rml_str details = rml_arena_printf(g->arena, "{\"gate\":\"%s\",\"verdict\":\"%s\"}",
                                       result->hash, rml_verdict_name(result->verdict));
    return details.data ? rml_audit_add(catalog, RML_STR("gate"), RML_STR("judge"),
                                        g->request->model, details, err)
                        : rml_fail_memory(err, 160);
}

rml_status rml_gate_store(rml_gate *g, rml_catalog *catalog, rml_gate_result *out, rml_error *err)
{
    names n;
    rml_buffer body = {0};
    rml_hash hash;
    RML_TRY(find_names(g, &n, err));
    rml_status st = write_body(g, &n, out, &body, &hash, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, out->hash);
        st = rml_catalog_begin(catalog, err);
    }
    if (st == RML_OK) {
        st = put(catalog, g, &n, rml_buffer_text(&body), out, err);
        if (st == RML_OK) {
            st = rml_catalog_commit(catalog, err);
        } else {
            rml_catalog_abort(catalog);
        }
    }
    rml_buffer_reset(&body);
    return st;
}
