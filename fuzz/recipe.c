// Fuzzes the recipe language, and with it the YAML reader below it.
#include "roadmill/recipe.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_recipe *recipe = NULL;
    rml_error err = {0};
    rml_str text = rml_str_of_bytes(rml_bytes_of(data, size));
    if (rml_recipe_parse(text, RML_STR("fuzz.yaml"), &recipe, &err) == RML_OK) {
        rml_recipe_free(recipe);
    }
    return 0;
}
