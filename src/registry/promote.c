// Finding registered models, and moving aliases to them: only where a gate let them pass.
#include "roadmill/base/json.h"
#include "roadmill/registry.h"

// Of all models NAME/N the one with the greatest N; RML_ERR_MISSING if there is none.
static rml_status find_newest(rml_catalog *catalog, rml_str name, rml_arena *arena,
                              rml_object_row *out, rml_error *err)
{
    rml_array rows = RML_ARRAY(rml_object_row);
    uint64_t newest = 0;
    rml_status st = rml_catalog_list(catalog, "model", arena, &rows, err);
    for (size_t i = 0; i < rows.count && st == RML_OK; i++) {
        const rml_object_row *row = RML_AT(&rows, rml_object_row, i);
        rml_str head, tail = rml_str_cut(row->name, '/', &head);
        uint64_t number;
        if (rml_str_equal(head, name) && rml_parse_u64(tail, &number) && number > newest) {
            newest = number;
            *out = *row;
        }
    }
    rml_array_reset(&rows);
    return st == RML_OK && newest == 0 ? RML_ERR_MISSING : st;
}

rml_status rml_model_find(rml_catalog *catalog, rml_str text, rml_arena *arena, rml_object_row *out,
                          rml_error *err)
{
    if (rml_str_find(text, RML_STR("@")) < text.len) {
        rml_str hash;
        RML_TRY(rml_catalog_alias_get(catalog, text, arena, &hash, err));
        return rml_catalog_get(catalog, "model", hash, arena, out, err);
    }
    rml_error why;
    rml_status st = find_newest(catalog, text, arena, out, &why);
    if (st == RML_ERR_MISSING) {
        st = rml_catalog_get(catalog, "model", text, arena, out, &why);
    }
    if (st == RML_ERR_MISSING) {
        return rml_fail(err, st, (rml_place){0}, "roadmill models lists them",
                        "expected a model (NAME, NAME/N, NAME@LABEL or digits of its hash), found "
                        "\"%.*s\"",
                        RML_FMT(text));
    }
    if (st != RML_OK && err) {
        *err = why;
    }
    return st;
}

// The gate that judged the model last; its name is the model's hash.
static rml_status read_verdict(rml_catalog *catalog, rml_str model, rml_arena *arena,
                               rml_str *verdict, rml_str *reason, rml_error *err)
{
    rml_object_row gate;
    const rml_json *body;
    rml_error missing;
    rml_status st = rml_catalog_get(catalog, "gate", model, arena, &gate, &missing);
    if (st == RML_ERR_MISSING) {
        *verdict = RML_STR("none");
        *reason = RML_STR("no gate has judged it");
        return RML_OK;
    }
    if (st != RML_OK) {
        if (err) {
            *err = missing;
        }
        return st;
    }
    RML_TRY(rml_json_parse(arena, gate.body, RML_STR("verdict"), &body, err));
    // The name found must be the model judged, not the start of some other hash.
    bool same = rml_str_equal(rml_json_get_str(body, "model", RML_STR("")), model);
    *verdict = same ? rml_json_get_str(body, "verdict", RML_STR("none")) : RML_STR("none");
    *reason = rml_json_get_str(body, "reason", RML_STR(""));
    return RML_OK;
}

static rml_status promote(rml_catalog *catalog, rml_str model, rml_str alias, rml_str actor,
                          rml_arena *arena, rml_error *err)
{
    rml_object_row row;
    rml_str verdict, reason, name;
    RML_TRY(rml_model_find(catalog, model, arena, &row, err));
    rml_str tail = rml_str_cut(row.name, '/', &name);
    rml_str given, label = rml_str_cut(alias, '@', &given);
    if (tail.len == 0 || !rml_str_equal(given, name) || label.len == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected an alias %.*s@LABEL, found \"%.*s\"", RML_FMT(name),
                        RML_FMT(alias));
    }
    RML_TRY(read_verdict(catalog, row.hash, arena, &verdict, &reason, err));
    if (!rml_str_equal(verdict, RML_STR("pass"))) {
        return rml_fail(err, RML_ERR_CONFLICT, (rml_place){0}, "roadmill gate says what is missing",
                        "%.*s: expected a gate's verdict pass, found %.*s (%.*s)",
                        RML_FMT(row.name), RML_FMT(verdict), RML_FMT(reason));
    }
    return rml_catalog_alias_set(catalog, alias, row.hash, actor, RML_STR("gate passed"), err);
}

rml_status rml_model_promote(rml_catalog *catalog, rml_str model, rml_str alias, rml_str actor,
                             rml_error *err)
{
    rml_arena arena = {0};
    // One transaction: no other verdict comes between reading this one and moving the alias.
    RML_TRY(rml_catalog_begin(catalog, err));
    rml_status st = promote(catalog, model, alias, actor, &arena, err);
    if (st == RML_OK) {
        st = rml_catalog_commit(catalog, err);
    } else {
        rml_catalog_abort(catalog);
    }
    rml_arena_reset(&arena);
    return st;
}
