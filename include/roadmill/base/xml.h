// XML by handlers, for scenario and map formats. Behind it stands expat.
//
// Document type declarations are refused (no entities are ever expanded or fetched); depth above 64
// and text above 64 MiB in one element are refused by RML_ERR_LIMIT.
#ifndef ROADMILL_BASE_XML_H
#define ROADMILL_BASE_XML_H

#include "roadmill/base.h"

#ifdef __cplusplus
extern "C" {
#endif

// name="value", entities resolved.
typedef struct rml_xml_attribute {
    rml_str name, value;
} rml_xml_attribute;

typedef struct rml_xml_element {
    rml_str name;
    const rml_xml_attribute *attributes;
    size_t attribute_count;
    rml_place at; // line and column
} rml_xml_element;

// All borrow until the handler returns. A status other than RML_OK ends the walk and is handed up.
typedef struct rml_xml_handlers {
    rml_status (*begin)(void *context, const rml_xml_element *element, rml_error *err);
    // text: all character data directly inside the element, trimmed.
    rml_status (*end)(void *context, rml_str name, rml_str text, rml_place at, rml_error *err);
} rml_xml_handlers;

// Calls the handlers for each element in the document's order. RML_ERR_DATA with line and column.
RML_API rml_status rml_xml_walk(rml_bytes document, rml_str file, const rml_xml_handlers *handlers,
                                void *context, rml_error *err) RML_CHECKED;
// The value of an attribute; data is NULL where there is none.
RML_API rml_str rml_xml_attribute_get(const rml_xml_element *element, const char *name);

#ifdef __cplusplus
}
#endif
#endif
