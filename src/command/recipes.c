// `recipes`: the built-in ways from channels to ego, as text that a person copies and changes.
#include "call.h"
#include "roadmill/recipe.h"

static rml_status run_list(rml_call *call, rml_error *err)
{
    (void)err;
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "recipes");
    rml_json_list(&call->writer);
    for (size_t i = 0; rml_recipe_builtin_name(i) != NULL; i++) {
        rml_json_str(&call->writer, rml_str_of(rml_recipe_builtin_name(i)));
    }
    rml_json_list_end(&call->writer);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_str name = rml_call_text(call, "NAME"), text = rml_recipe_builtin(name);
    if (text.len == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0}, "roadmill recipes lists them",
                        "expected a built-in recipe, found %.*s", RML_FMT(name));
    }
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "name", name);
    rml_json_kv_str(&call->writer, "text", text);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static const rml_view list_view[] = {{.each = "recipes", .line = "{.}"}, {0}};
static const rml_view show_view[] = {{.text = "text"}, {0}};
static const rml_option show_arguments[] = {
    {"NAME", .type = RML_OPTION_NAME, .kind = "recipe", .required = true},
    {0},
};

const rml_command rml_recipes_commands[] = {
    {
        .name = "recipes",
        .summary = "list the built-in recipes from channels to ego, in the order they are tried",
        .example = "roadmill recipes",
        .view = list_view,
        .run = run_list,
    },
    {
        .name = "recipes show",
        .summary = "print a built-in recipe: copy it, change it, ingest --recipe FILE",
        .example = "roadmill recipes show gnss_imu > mine.yaml",
        .arguments = show_arguments,
        .view = show_view,
        .run = run_show,
    },
    {0},
};
