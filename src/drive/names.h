// A name table, both ways: what an enum is called in tables and files.
#ifndef ROADMILL_DRIVE_NAMES_H
#define ROADMILL_DRIVE_NAMES_H

#include "roadmill/drive.h"

bool rml_map_kind_parse(rml_str text, rml_map_kind *out);
bool rml_track_mark_parse(rml_str text, rml_track_mark *out);
bool rml_causality_parse(rml_str text, rml_causality *out);

#endif
