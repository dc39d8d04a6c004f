// The table of scenario formats. A new format is one row here and one file that reads it.
#include "argoverse2.h"
#include "roadmill/scenario.h"
#include "roadmill/store.h"

#include <string.h>

// The root element stands near the beginning, behind the declaration and perhaps a comment.
static bool commonroad_recognise(rml_str path, rml_bytes head)
{
    (void)path;
    rml_str text = rml_str_of_bytes(head);
    return rml_str_find(text, RML_STR("<commonRoad")) < text.len;
}

static rml_status commonroad_read_file(rml_str path, rml_arena *arena, rml_traffic *out,
                                       rml_error *err)
{
    rml_object m;
    RML_TRY(rml_object_open(&m, path, err));
    rml_status st = rml_commonroad_read(m.bytes, path, arena, out, err);
    rml_object_close(&m);
    return st;
}

const rml_importer *rml_importers(size_t *count)
{
    static const rml_importer importers[] = {
        {"commonroad", commonroad_recognise, commonroad_read_file},
        {"argoverse2", rml_argoverse2_recognise, rml_argoverse2_read},
    };
    *count = sizeof importers / sizeof importers[0];
    return importers;
}
