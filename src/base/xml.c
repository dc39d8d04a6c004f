// XML by handlers, on expat. Document types are refused, so no entity is ever expanded or fetched.
#include "roadmill/base/xml.h"

#include <expat.h>
#include <string.h>

enum { DEPTH_MAX = 64, TEXT_SIZE_MAX = 64 << 20, PART_SIZE = 1 << 20 };

typedef struct walk {
    XML_Parser parser;
    rml_str file;
    const rml_xml_handlers *handlers;
    void *context;
    rml_error *err;
    rml_status status; // the first failure
    size_t depth;
    rml_buffer text[DEPTH_MAX]; // of each open element
    rml_array attributes;       // rml_xml_attribute, of the element that begins
} walk;

static rml_place here(const walk *w)
{
    return rml_place_line(w->file, (uint32_t)XML_GetCurrentLineNumber(w->parser),
                          (uint32_t)XML_GetCurrentColumnNumber(w->parser) + 1);
}

static void stop(walk *w, rml_status status)
{
    if (status != RML_OK && w->status == RML_OK) {
        w->status = status;
        XML_StopParser(w->parser, XML_FALSE);
    }
}

static rml_status collect_attributes(walk *w, const XML_Char **pairs)
{
    rml_array_clear(&w->attributes);
    for (size_t i = 0; pairs[i]; i += 2) {
        rml_xml_attribute *a = rml_array_push(&w->attributes, w->err);
        if (!a) {
            return RML_ERR_MEMORY;
        }
        *a = (rml_xml_attribute){rml_str_of(pairs[i]), rml_str_of(pairs[i + 1])};
    }
    return RML_OK;
}

static rml_status begin_element(walk *w, const XML_Char *name, const XML_Char **pairs)
{
    if (w->depth == DEPTH_MAX) {
        return rml_fail(w->err, RML_ERR_LIMIT, here(w), NULL,
                        "expected at most %d levels of nesting, found more", DEPTH_MAX);
    }
    rml_buffer_clear(&w->text[w->depth++]);
    RML_TRY(collect_attributes(w, pairs));
    rml_xml_element element = {rml_str_of(name), w->attributes.data, w->attributes.count, here(w)};
    return w->handlers->begin ? w->handlers->begin(w->context, &element, w->err) : RML_OK;
}

// expat may still call handlers after it was told to stop.
static void XMLCALL on_begin(void *user, const XML_Char *name, const XML_Char **pairs)
{
    walk *w = user;
    if (w->status == RML_OK) {
        stop(w, begin_element(w, name, pairs));
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    walk *w = user;
    if (w->status != RML_OK) {
        return;
    }
    rml_str text = rml_str_trim(rml_buffer_text(&w->text[--w->depth]));
    if (w->handlers->end) {
        stop(w, w->handlers->end(w->context, rml_str_of(name), text, here(w), w->err));
    }
}

static void XMLCALL on_text(void *user, const XML_Char *data, int len)
{
    walk *w = user;
    if (w->status != RML_OK || w->depth == 0) {
        return;
    }
    rml_buffer *text = &w->text[w->depth - 1];
    if ((size_t)len > TEXT_SIZE_MAX - text->len) {
        stop(w, rml_fail(w->err, RML_ERR_LIMIT, here(w), NULL,
                         "expected at most %d bytes of text in an element, found more",
                         TEXT_SIZE_MAX));
        return;
    }
    stop(w, rml_buffer_append(text, data, (size_t)len, w->err));
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    walk *w = user;
    stop(w, rml_fail(w->err, RML_ERR_UNSUPPORTED, here(w), "remove the <!DOCTYPE ...> line",
                     "expected a document without a document type, found one"));
}

static void *grow_from_zero(size_t size)
{
    return rml_heap_grow(NULL, size);
}

static rml_status fail_expat(walk *w)
{
    enum XML_Error code = XML_GetErrorCode(w->parser);
    if (code == XML_ERROR_NO_MEMORY) {
        return rml_fail_memory(w->err, 0);
    }
    return rml_fail(w->err, RML_ERR_DATA, here(w), NULL, "expected XML, found: %s",
                    XML_ErrorString(code));
}

static rml_status feed(walk *w, rml_bytes document)
{
    for (size_t offset = 0; w->status == RML_OK;) {
        size_t part = document.len - offset < PART_SIZE ? document.len - offset : PART_SIZE;
        const char *data = part > 0 ? (const char *)document.data + offset : "";
        offset += part;
        bool last = offset == document.len;
        if (XML_Parse(w->parser, data, (int)part, last) != XML_STATUS_OK) {
            return w->status != RML_OK ? w->status : fail_expat(w);
        }
        if (last) {
            break;
        }
    }
    return w->status;
}

rml_status rml_xml_walk(rml_bytes document, rml_str file, const rml_xml_handlers *handlers,
                        void *context, rml_error *err)
{
    static const XML_Memory_Handling_Suite memory = {grow_from_zero, rml_heap_grow, rml_heap_free};
    walk w = {.file = file,
              .handlers = handlers,
              .context = context,
              .err = err,
              .attributes = RML_ARRAY(rml_xml_attribute)};
    w.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!w.parser) {
        return rml_fail_memory(err, 0);
    }
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(w.parser, on_text);
    XML_SetStartDoctypeDeclHandler(w.parser, on_doctype);
    rml_status st = feed(&w, document);
    XML_ParserFree(w.parser);
    for (size_t i = 0; i < DEPTH_MAX; i++) {
        rml_buffer_reset(&w.text[i]);
    }
    rml_array_reset(&w.attributes);
    return st;
}

rml_str rml_xml_attribute_get(const rml_xml_element *element, const char *name)
{
    rml_str wanted = rml_str_of(name);
    for (size_t i = 0; i < element->attribute_count; i++) {
        if (rml_str_equal(element->attributes[i].name, wanted)) {
            return element->attributes[i].value;
        }
    }
    return (rml_str){0};
}
