// Writes a ROS 2 bag: a folder with metadata.yaml (version 9) and one SQLite file (schema version 4
// of rosbag2_storage_sqlite3). The folder appears when it is finished.
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "roadmill/store.h"
#include "writer_format.h"

#define COMMIT_EVERY 10000

typedef struct topic {
    rml_str name, type, hash, qos;
    uint64_t messages;
} topic;

typedef struct ros2_state {
    rml_str path, file;      // the folder, the name of its file
    rml_store_folder folder; // where it is written
    sqlite3 *db;
    sqlite3_stmt *insert;
    rml_array topics; // topic
    rml_array types;  // rml_str: whose definition is written
    uint64_t messages;
    int64_t start_ns, end_ns;
} ros2_state;

static rml_status fail(ros2_state *s, const char *doing, rml_error *err)
{
    return rml_fail(err, RML_ERR_IO, rml_place_file(s->path), "free some space and run it again",
                    "%s: %s", doing, sqlite3_errmsg(s->db));
}

static rml_status run(ros2_state *s, const char *sql, rml_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? RML_OK
                                                                   : fail(s, "cannot write", err);
}

// One statement with text values.
static rml_status insert(ros2_state *s, const char *sql, const rml_str *values, size_t count,
                         rml_error *err)
{
    sqlite3_stmt *st = NULL;
    bool fine = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK;
    for (size_t i = 0; fine && i < count; i++) {
        fine = sqlite3_bind_text(st, (int)i + 1, values[i].data == NULL ? "" : values[i].data,
                                 (int)values[i].len, SQLITE_STATIC) == SQLITE_OK;
    }
    fine = fine && sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return fine ? RML_OK : fail(s, "cannot write", err);
}

static rml_status open_ros2(rml_log_writer *w, const char *path,
                            const rml_log_writer_options *options, rml_error *err)
{
    static const char schema[] =
        "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);"
        "CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata "
        "TEXT NOT NULL);"
        "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, "
        "serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL, "
        "type_description_hash TEXT NOT NULL);"
        "CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, "
        "encoding TEXT NOT NULL, encoded_message_definition TEXT NOT NULL, type_description_hash "
        "TEXT NOT NULL);"
        "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp "
        "INTEGER "
        "NOT NULL, data BLOB NOT NULL);"
        "CREATE INDEX timestamp_idx ON messages (timestamp ASC);"
        "INSERT INTO schema(schema_version, ros_distro) VALUES (4, 'roadmill'); BEGIN";
    if (options->compression != NULL && strcmp(options->compression, "none") != 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                        "expected compression none for a ROS 2 bag, found \"%s\"",
                        options->compression);
    }
    ros2_state *s = w->state = RML_NEW(&w->arena, ros2_state);
    if (s == NULL) {
        return rml_fail_memory(err, sizeof(*s));
    }
    s->topics = RML_ARRAY(topic);
    s->types = RML_ARRAY(rml_str);
    s->path = rml_arena_str(&w->arena, rml_str_of(path));
    while (s->path.len > 1 && s->path.data[s->path.len - 1] == '/') {
        s->path = rml_arena_str(&w->arena, (rml_str){s->path.data, s->path.len - 1});
    }
    s->file = rml_arena_printf(&w->arena, "%.*s_0.db3", RML_FMT(rml_path_name(s->path)));
    rml_str temporary = rml_arena_printf(&w->arena, "%s.part", s->path.data);
    rml_file_info there;
    if (s->path.data == NULL || s->file.data == NULL || temporary.data == NULL) {
        return rml_fail_memory(err, strlen(path));
    }
    RML_TRY(rml_store_stat(s->path, &there, err));
    if (there.exists) {
        return rml_fail(err, RML_ERR_EXISTS, rml_place_file(s->path), "choose another name",
                        "expected no folder of that name yet, found one");
    }
    RML_TRY(rml_store_folder_begin(&s->folder, temporary, err));
    rml_str file = rml_path_join(&w->arena, s->folder.path, s->file);
    if (file.data == NULL) {
        return rml_fail_memory(err, temporary.len);
    }
    if (sqlite3_open_v2(file.data, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK) {
        return fail(s, "cannot make the file of the bag", err);
    }
    RML_TRY(run(s, schema, err));
    return sqlite3_prepare_v2(s->db,
                              "INSERT INTO messages(topic_id, timestamp, data) VALUES (?1, ?2, ?3)",
                              -1, &s->insert, NULL) == SQLITE_OK
               ? RML_OK
               : fail(s, "cannot write", err);
}

static rml_status put_definition(rml_log_writer *w, const rml_log_channel *c, rml_str hash,
                                 rml_error *err)
{
    ros2_state *s = w->state;
    if (c->schema_encoding.len == 0) {
        return RML_OK; // what is not known is not written; a type without fields has an empty text
    }
    for (size_t i = 0; i < s->types.count; i++) {
        if (rml_str_equal(*RML_AT(&s->types, rml_str, i), c->schema_name)) {
            return RML_OK;
        }
    }
    rml_str *known = rml_array_push(&s->types, err);
    rml_str name = rml_arena_str(&w->arena, c->schema_name);
    if (known == NULL || name.data == NULL) {
        return rml_fail_memory(err, c->schema_name.len);
    }
    *known = name;
    const rml_str values[] = {c->schema_name, c->schema_encoding, rml_str_of_bytes(c->schema),
                              hash};
    return insert(s,
                  "INSERT INTO message_definitions(topic_type, encoding, "
                  "encoded_message_definition, type_description_hash) VALUES (?1, ?2, ?3, ?4)",
                  values, 4, err);
}

static rml_status channel_ros2(rml_log_writer *w, const rml_log_channel *channel, uint32_t *id,
                               rml_error *err)
{
    ros2_state *s = w->state;
    if (!rml_str_equal(channel->message_encoding, RML_STR("cdr"))) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                        "expected messages in cdr for a ROS 2 bag, found %.*s in channel %.*s",
                        RML_FMT(channel->message_encoding), RML_FMT(channel->topic));
    }
    topic *t = rml_array_push(&s->topics, err);
    if (t == NULL) {
        return RML_ERR_MEMORY;
    }
    rml_str hash = rml_log_pair_of(channel, "type_description_hash");
    hash = hash.len > 0 ? hash : rml_log_pair_of(channel, "topic_type_hash");
    *t = (topic){.name = rml_arena_str(&w->arena, channel->topic),
                 .type = rml_arena_str(&w->arena, channel->schema_name),
                 .hash = rml_arena_str(&w->arena, hash),
                 .qos = rml_arena_str(&w->arena, rml_log_pair_of(channel, "offered_qos_profiles"))};
    if (t->name.data == NULL || t->type.data == NULL || t->hash.data == NULL ||
        t->qos.data == NULL) {
        return rml_fail_memory(err, channel->topic.len);
    }
    *id = (uint32_t)s->topics.count - 1;
    const rml_str values[] = {t->name, t->type, t->qos, t->hash};
    RML_TRY(insert(s,
                   "INSERT INTO topics(name, type, serialization_format, offered_qos_profiles, "
                   "type_description_hash) VALUES (?1, ?2, 'cdr', ?3, ?4)",
                   values, 4, err));
    return put_definition(w, channel, hash, err);
}

static rml_status message_ros2(rml_log_writer *w, uint32_t id, const rml_log_message *message,
                               rml_error *err)
{
    ros2_state *s = w->state;
    if (message->data.len > INT32_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(s->path), NULL,
                        "expected messages of at most 2147483647 bytes in SQLite, found %zu",
                        message->data.len);
    }
    const void *data = message->data.len == 0 ? "" : (const void *)message->data.data;
    sqlite3_bind_int64(s->insert, 1, (sqlite3_int64)id + 1);
    sqlite3_bind_int64(s->insert, 2, message->log_ns);
    sqlite3_bind_blob(s->insert, 3, data, (int)message->data.len, SQLITE_STATIC);
    if (sqlite3_step(s->insert) != SQLITE_DONE || sqlite3_reset(s->insert) != SQLITE_OK) {
        return fail(s, "cannot write a message", err);
    }
    int64_t t_ns = message->log_ns;
    s->start_ns = s->messages == 0 || t_ns < s->start_ns ? t_ns : s->start_ns;
    s->end_ns = s->messages == 0 || t_ns > s->end_ns ? t_ns : s->end_ns;
    s->messages++;
    RML_AT(&s->topics, topic, id)->messages++;
    return s->messages % COMMIT_EVERY == 0 ? run(s, "COMMIT; BEGIN", err) : RML_OK;
}

// ---- metadata.yaml -----------------------------------------------------------------------------

// Text in single quotes, as YAML doubles them inside.
static rml_status put_quoted(rml_buffer *b, rml_str text, rml_error *err)
{
    RML_TRY(rml_buffer_str(b, RML_STR("'"), err));
    for (size_t i = 0; i < text.len; i++) {
        RML_TRY(rml_buffer_append(b, &text.data[i], 1, err));
        RML_TRY(text.data[i] == '\'' ? rml_buffer_str(b, RML_STR("'"), err) : RML_OK);
    }
    return rml_buffer_str(b, RML_STR("'"), err);
}

// The names that version 9 has for what was a number before (rmw/types.h).
static const struct {
    const char *key, *names[6];
} qos_names[] = {
    {"history", {"system_default", "keep_last", "keep_all", "unknown"}},
    {"reliability", {"system_default", "reliable", "best_effort", "unknown", "best_available"}},
    {"durability", {"system_default", "transient_local", "volatile", "unknown", "best_available"}},
    {"liveliness",
     {"system_default", "automatic", "manual_by_node", "manual_by_topic", "unknown",
      "best_available"}},
};

static rml_str qos_value(rml_str key, rml_str value)
{
    int64_t number;
    bool is_number = rml_parse_i64(value, &number) && number >= 0 && number < 6;
    for (size_t i = 0; is_number && i < sizeof qos_names / sizeof *qos_names; i++) {
        const char *name = qos_names[i].names[number];
        if (rml_str_equal(key, rml_str_of(qos_names[i].key)) && name != NULL) {
            return rml_str_of(name);
        }
    }
    return value;
}

// Quality of service as the recording told it: its own YAML, a list of profiles, under the key.
static rml_status put_qos(rml_buffer *b, rml_str qos, rml_error *err)
{
    if (rml_str_trim(qos).len == 0 || rml_str_equal(rml_str_trim(qos), RML_STR("[]"))) {
        return rml_buffer_str(b, RML_STR("\n        offered_qos_profiles: []"), err);
    }
    RML_TRY(rml_buffer_str(b, RML_STR("\n        offered_qos_profiles:"), err));
    while (qos.len > 0) {
        rml_str line, key;
        qos = rml_str_cut(qos, '\n', &line);
        if (rml_str_trim(line).len == 0) {
            continue;
        }
        rml_str value = rml_str_trim(rml_str_cut(line, ':', &key));
        rml_str name = rml_str_trim(key);
        if (rml_str_starts(name, RML_STR("- "))) {
            name = rml_str_trim((rml_str){name.data + 2, name.len - 2});
        }
        value = qos_value(name, value);
        RML_TRY(rml_buffer_printf(b, err, "\n          %.*s:%s%.*s", RML_FMT(key),
                                  value.len > 0 ? " " : "", RML_FMT(value)));
    }
    return RML_OK;
}

static rml_status put_topic(rml_buffer *b, const topic *t, rml_error *err)
{
    RML_TRY(rml_buffer_str(b, RML_STR("    - topic_metadata:\n        name: "), err));
    RML_TRY(put_quoted(b, t->name, err));
    RML_TRY(rml_buffer_str(b, RML_STR("\n        type: "), err));
    RML_TRY(put_quoted(b, t->type, err));
    RML_TRY(rml_buffer_str(b, RML_STR("\n        serialization_format: cdr"), err));
    RML_TRY(put_qos(b, t->qos, err));
    RML_TRY(rml_buffer_str(b, RML_STR("\n        type_description_hash: "), err));
    RML_TRY(put_quoted(b, t->hash, err));
    return rml_buffer_printf(b, err, "\n      message_count: %llu\n",
                             (unsigned long long)t->messages);
}

static rml_status put_metadata(const ros2_state *s, rml_buffer *b, rml_error *err)
{
    unsigned long long messages = (unsigned long long)s->messages;
    long long span = s->messages > 0 ? (long long)(s->end_ns - s->start_ns) : 0;
    long long start = (long long)s->start_ns;
    RML_TRY(rml_buffer_printf(b, err,
                              "rosbag2_bagfile_information:\n  version: 9\n"
                              "  storage_identifier: sqlite3\n"
                              "  duration:\n    nanoseconds: %lld\n"
                              "  starting_time:\n    nanoseconds_since_epoch: %lld\n"
                              "  message_count: %llu\n  topics_with_message_count:%s\n",
                              span, start, messages, s->topics.count == 0 ? " []" : ""));
    for (size_t i = 0; i < s->topics.count; i++) {
        RML_TRY(put_topic(b, RML_AT(&s->topics, topic, i), err));
    }
    RML_TRY(rml_buffer_str(b,
                           RML_STR("  compression_format: ''\n  compression_mode: ''\n"
                                   "  relative_file_paths:\n    - "),
                           err));
    RML_TRY(put_quoted(b, s->file, err));
    RML_TRY(rml_buffer_str(b, RML_STR("\n  files:\n    - path: "), err));
    RML_TRY(put_quoted(b, s->file, err));
    return rml_buffer_printf(b, err,
                             "\n      starting_time:\n        nanoseconds_since_epoch: %lld\n"
                             "      duration:\n        nanoseconds: %lld\n"
                             "      message_count: %llu\n"
                             "  custom_data: ~\n  ros_distro: roadmill\n",
                             start, span, messages);
}

static rml_status finish_ros2(rml_log_writer *w, rml_error *err)
{
    ros2_state *s = w->state;
    rml_buffer text = {0};
    rml_status st = run(s, "COMMIT", err);
    st = st ? st : put_metadata(s, &text, err);
    const rml_str values[] = {rml_buffer_text(&text)};
    st = st ? st
            : insert(s, "INSERT INTO metadata(metadata_version, metadata) VALUES (9, ?1)", values,
                     1, err);
    sqlite3_finalize(s->insert);
    s->insert = NULL;
    if (sqlite3_close(s->db) != SQLITE_OK && st == RML_OK) {
        st = fail(s, "cannot close", err);
    }
    s->db = NULL;
    rml_str path = rml_path_join(&w->arena, s->folder.path, RML_STR("metadata.yaml"));
    st = st ? st : path.data == NULL ? rml_fail_memory(err, s->path.len) : RML_OK;
    st = st ? st : rml_file_replace(path.data, rml_buffer_bytes(&text), err);
    rml_buffer_reset(&text);
    st = st ? st : rml_store_folder_commit(&s->folder, s->path, err);
    return st;
}

static void close_ros2(rml_log_writer *w)
{
    ros2_state *s = w->state;
    if (s == NULL) {
        return;
    }
    sqlite3_finalize(s->insert);
    sqlite3_close(s->db);
    rml_store_folder_close(&s->folder);
    rml_array_reset(&s->topics);
    rml_array_reset(&s->types);
}

static const char *const endings[] = {".ros2", "/", NULL};
const rml_log_writer_format rml_log_writer_ros2 = {
    .name = "ros2",
    .endings = endings,
    .open = open_ros2,
    .channel = channel_ros2,
    .message = message_ros2,
    .finish = finish_ros2,
    .close = close_ros2,
};
