// Encodings that only we know (records of MDF groups, frames of a bus) become JSON with a JSON
// schema, which every reader of MCAP knows; messages of one ROS become the other's where that was
// asked for or the container takes no others; all others go as they are.
#include "carry.h"

#include <string.h>

#include "roadmill/base/json.h"

static bool is_ours(rml_str encoding)
{
    static const char *const names[] = {"mdf4", "can", "lin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rml_str_equal(encoding, rml_str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static void put_type(const rml_field *f, rml_json_writer *w);

static void put_properties(rml_schema schema, rml_json_writer *w)
{
    rml_json_kv_str(w, "type", RML_STR("object"));
    rml_json_key(w, "properties");
    rml_json_object(w);
    for (size_t i = 0; i < schema.count; i++) {
        rml_json_key(w, schema.fields[i].name.data);
        put_type(&schema.fields[i], w);
    }
    rml_json_object_end(w);
}

static void put_type(const rml_field *f, rml_json_writer *w)
{
    rml_json_object(w);
    switch (f->type) {
    case RML_TYPE_BOOL:
        rml_json_kv_str(w, "type", RML_STR("boolean"));
        break;
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        rml_json_kv_str(w, "type", RML_STR("number"));
        break;
    case RML_TYPE_STRING:
        rml_json_kv_str(w, "type", RML_STR("string"));
        break;
    case RML_TYPE_BINARY:
        rml_json_kv_str(w, "type", RML_STR("string"));
        rml_json_kv_str(w, "contentEncoding", RML_STR("base64"));
        break;
    case RML_TYPE_LIST:
        rml_json_kv_str(w, "type", RML_STR("array"));
        rml_json_key(w, "items");
        put_type(&f->children[0], w);
        break;
    case RML_TYPE_STRUCT:
        put_properties((rml_schema){f->children, f->child_count}, w);
        break;
    default:
        rml_json_kv_str(w, "type", RML_STR("integer"));
        break;
    }
    rml_json_object_end(w);
}

static rml_status describe(rml_carry *c, rml_arena *arena, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "title", c->channel.schema_name);
    put_properties(rml_message_schema(c->from), &w);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_str copy = st ? (rml_str){0} : rml_arena_str(arena, rml_buffer_text(&text));
    rml_buffer_reset(&text);
    c->channel.schema = rml_bytes_of_str(copy);
    return st ? st : copy.data == NULL ? rml_fail_memory(err, 1024) : RML_OK;
}

static rml_status init_json(rml_carry *c, const rml_message_kind *kind, rml_str file,
                            rml_arena *arena, rml_error *err)
{
    RML_TRY(rml_message_compile(kind, file, &c->from, err));
    RML_TRY(rml_batch_init(&c->batch, rml_message_schema(c->from), err));
    if (c->channel.schema_name.len == 0) {
        c->channel.schema_name =
            rml_arena_printf(arena, "%.*s_frame", RML_FMT(kind->message_encoding));
    }
    c->channel.message_encoding = RML_STR("json");
    c->channel.schema_encoding = RML_STR("jsonschema");
    c->note = RML_STR("written as JSON with its schema; physical values, NaN and invalid ones as "
                      "null");
    return describe(c, arena, err);
}

// ---- The other ROS -----------------------------------------------------------------------------

// What a ROS 2 bag says of a publisher that keeps its last message for those who come later
// (latching in ROS 1): rmw_qos_profile_t, as rosbag2 writes it.
#define QOS_LATCHED                                                                                \
    "- history: unknown\n  depth: 0\n  reliability: reliable\n  durability: transient_local\n"     \
    "  deadline:\n    sec: 2147483647\n    nsec: 4294967295\n"                                     \
    "  lifespan:\n    sec: 2147483647\n    nsec: 4294967295\n  liveliness: automatic\n"            \
    "  liveliness_lease_duration:\n    sec: 2147483647\n    nsec: 4294967295\n"                    \
    "  avoid_ros_namespace_conventions: false\n"

static bool is_latched(const rml_log_channel *c)
{
    rml_str qos = rml_log_pair_of(c, "offered_qos_profiles");
    return rml_str_equal(rml_log_pair_of(c, "latching"), RML_STR("1")) ||
           rml_str_find(qos, RML_STR("durability: 1")) < qos.len ||
           rml_str_find(qos, RML_STR("durability: transient_local")) < qos.len;
}

// What the other ROS keeps of a channel beside its messages: latching, and the hash of the type.
static rml_status describe_ros(rml_carry *c, bool to_ros1, rml_str file, rml_arena *arena,
                               rml_error *err)
{
    char *sum = rml_arena_make(arena, RML_ROS2_HASH_TEXT);
    rml_log_pair *pairs = RML_NEW_ARRAY(arena, rml_log_pair, 2);
    bool latched = is_latched(&c->channel);
    if (sum == NULL || pairs == NULL) {
        return rml_fail_memory(err, 2 * sizeof *pairs);
    }
    c->channel.pairs = pairs;
    c->channel.pair_count = 0;
    if (latched) {
        pairs[c->channel.pair_count++] =
            to_ros1 ? (rml_log_pair){RML_STR("latching"), RML_STR("1")}
                    : (rml_log_pair){RML_STR("offered_qos_profiles"), RML_STR(QOS_LATCHED)};
    }
    RML_TRY((to_ros1 ? rml_ros1_md5 : rml_ros2_hash)(
        c->channel.schema_name, rml_str_of_bytes(c->channel.schema), file, sum, err));
    pairs[c->channel.pair_count++] =
        (rml_log_pair){to_ros1 ? RML_STR("md5sum") : RML_STR("topic_type_hash"), rml_str_of(sum)};
    return RML_OK;
}

// "; callerid is dropped" for each pair that says something else than what is kept.
static rml_status dropped_pairs(const rml_log_channel *c, rml_arena *arena, rml_str *out,
                                rml_error *err)
{
    static const char *const kept[] = {"latching", "md5sum", "offered_qos_profiles",
                                       "topic_type_hash", "type_description_hash"};
    *out = RML_STR("");
    for (size_t i = 0; i < c->pair_count; i++) {
        bool is_kept = c->pairs[i].value.len == 0;
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
            is_kept = is_kept || rml_str_equal(c->pairs[i].key, rml_str_of(kept[k]));
        }
        if (!is_kept) {
            *out = rml_arena_printf(arena, "%.*s; %.*s is dropped", RML_FMT(*out),
                                    RML_FMT(c->pairs[i].key));
        }
        if (out->data == NULL) {
            return rml_fail_memory(err, c->pairs[i].key.len);
        }
    }
    return RML_OK;
}

static rml_status init_ros(rml_carry *c, const rml_message_kind *kind, rml_str file,
                           rml_arena *arena, rml_error *err)
{
    rml_ros_translation other;
    rml_str dropped;
    RML_TRY(dropped_pairs(&c->channel, arena, &dropped, err));
    RML_TRY(rml_ros_translate(kind, file, arena, &other, err));
    RML_TRY(rml_ros_rewriter_make(kind, &other.kind, file, &c->ros, err));
    bool to_ros1 = rml_str_equal(other.kind.message_encoding, RML_STR("ros1"));
    c->channel.message_encoding = other.kind.message_encoding;
    c->channel.schema_encoding = other.kind.schema_encoding;
    c->channel.schema_name = other.kind.schema_name;
    c->channel.schema = other.kind.schema;
    c->note = rml_arena_printf(arena, "rewritten for ROS %d%s%.*s%.*s", to_ros1 ? 1 : 2,
                               other.changes.len > 0 ? ": " : "", RML_FMT(other.changes),
                               RML_FMT(dropped));
    return c->note.data == NULL ? rml_fail_memory(err, other.changes.len)
                                : describe_ros(c, to_ros1, file, arena, err);
}

// Whether messages of this encoding are to be the other ROS's.
static bool is_other_ros(rml_str encoding, const char *format, const char *messages)
{
    bool ros1 = strcmp(format, "bag") == 0 || (messages != NULL && strcmp(messages, "ros1") == 0);
    bool ros2 = strcmp(format, "ros2") == 0 || (messages != NULL && strcmp(messages, "ros2") == 0);
    return (ros1 && rml_str_equal(encoding, RML_STR("cdr"))) ||
           (ros2 && rml_str_equal(encoding, RML_STR("ros1")));
}

rml_status rml_carry_init(rml_carry *c, const rml_log_channel *channel, const char *format,
                          const char *messages, rml_str file, rml_arena *arena, rml_error *err)
{
    *c = (rml_carry){.channel = *channel};
    const rml_message_kind kind = rml_log_channel_kind(channel);
    if (is_other_ros(channel->message_encoding, format, messages)) {
        return init_ros(c, &kind, file, arena, err);
    }
    if (strcmp(format, "mcap") == 0 && is_ours(channel->message_encoding)) {
        return init_json(c, &kind, file, arena, err);
    }
    return RML_OK; // the writer says whether it can hold them
}

rml_status rml_carry_message(rml_carry *c, const rml_log_message *message, rml_str file,
                             rml_bytes *out, rml_error *err)
{
    *out = message->data;
    rml_buffer_clear(&c->bytes);
    if (c->ros != NULL) {
        rml_status st = rml_ros_rewrite(c->ros, message->data,
                                        rml_place_byte(file, message->offset), &c->bytes, err);
        *out = rml_buffer_bytes(&c->bytes);
        return st;
    }
    if (c->from == NULL) {
        return RML_OK;
    }
    rml_json_writer w;
    rml_batch_clear(&c->batch);
    RML_TRY(rml_message_decode(c->from, message->data, rml_place_byte(file, message->offset),
                               c->batch.columns, err));
    rml_json_writer_init(&w, &c->bytes, err);
    rml_message_json(c->batch.schema, c->batch.columns, 0, &w);
    RML_TRY(rml_json_finish(&w));
    *out = rml_buffer_bytes(&c->bytes);
    return RML_OK;
}

void rml_carry_reset(rml_carry *c)
{
    rml_message_plan_free(c->from);
    rml_ros_rewriter_free(c->ros);
    rml_batch_reset(&c->batch);
    rml_buffer_reset(&c->bytes);
}
