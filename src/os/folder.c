// Folders: made with their parents, listed in the order of bytes, walked, removed; and paths as
// text.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "roadmill/os.h"
#include "system.h"

#define PATH_SIZE_MAX 4096
#define DEPTH_MAX 64

rml_status rml_folder_make(const char *path, rml_error *err)
{
    char text[PATH_SIZE_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof text) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(path)), NULL,
                        "expected a path of 1 to %d bytes, found %zu", PATH_SIZE_MAX - 1, len);
    }
    memcpy(text, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (text[i] != '/' && text[i] != '\0') {
            continue;
        }
        char kept = text[i];
        text[i] = '\0';
        if (mkdir(text, 0755) != 0 && errno != EEXIST) {
            return rml_system_fail(err, text, "cannot make folder");
        }
        text[i] = kept;
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return rml_fail(err, RML_ERR_IO, rml_place_file(rml_str_of(path)), NULL,
                        "expected a folder, found a file");
    }
    return RML_OK;
}

static int compare_str(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(*(const rml_str *)a, *(const rml_str *)b);
}

rml_status rml_folder_list(const char *path, rml_arena *arena, rml_array *names, rml_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return rml_system_fail(err, path, "cannot list");
    }
    rml_status st = RML_OK;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        rml_str *name = rml_array_push(names, err);
        if (name == NULL) {
            st = RML_ERR_MEMORY;
            break;
        }
        *name = rml_arena_str(arena, rml_str_of(entry->d_name));
        if (name->data == NULL) {
            st = rml_fail_memory(err, sizeof entry->d_name);
            break;
        }
    }
    closedir(folder);
    return st ? st : rml_array_sort(names, compare_str, NULL, err);
}

rml_status rml_folder_commit(const char *temporary, const char *path, rml_error *err)
{
    if (rename(temporary, path) != 0) {
        // An empty folder is replaced; POSIX lets a full one be told by either of two codes.
        errno = errno == ENOTEMPTY || errno == ENOTDIR ? EEXIST : errno;
        return rml_system_fail(err, path, "cannot rename to");
    }
    rml_system_sync_folder_of(path);
    return RML_OK;
}

static rml_status walk(rml_str path, int depth, rml_arena *arena, rml_array *paths, rml_error *err)
{
    rml_file_info info;
    RML_TRY(rml_file_stat(path.data, &info, err));
    if (!info.exists) {
        return rml_fail(err, RML_ERR_MISSING, rml_place_file(path), "check the path",
                        "expected a file or folder, found none");
    }
    if (!info.is_folder) {
        rml_str *item = rml_array_push(paths, err);
        if (item == NULL) {
            return RML_ERR_MEMORY;
        }
        *item = path;
        return RML_OK;
    }
    if (depth >= DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(path), NULL,
                        "expected at most %d folders inside each other", DEPTH_MAX);
    }
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = rml_folder_list(path.data, arena, &names, err);
    for (size_t i = 0; !st && i < names.count; i++) {
        rml_str child = rml_path_join(arena, path, *RML_AT(&names, rml_str, i));
        st = child.data == NULL ? rml_fail_memory(err, path.len)
                                : walk(child, depth + 1, arena, paths, err);
    }
    rml_array_reset(&names);
    return st;
}

rml_status rml_folder_walk(const char *path, rml_arena *arena, rml_array *paths, rml_error *err)
{
    rml_str root = rml_arena_str(arena, rml_str_of(path));
    if (root.data == NULL) {
        return rml_fail_memory(err, strlen(path));
    }
    while (root.len > 1 && root.data[root.len - 1] == '/') {
        root = rml_arena_str(arena, (rml_str){root.data, root.len - 1});
        if (root.data == NULL) {
            return rml_fail_memory(err, strlen(path));
        }
    }
    return walk(root, 0, arena, paths, err);
}

static rml_status remove_tree(rml_str path, int depth, rml_arena *arena, rml_error *err)
{
    struct stat info;
    if (lstat(path.data, &info) != 0) {
        return errno == ENOENT ? RML_OK : rml_system_fail(err, path.data, "cannot look at");
    }
    if (!S_ISDIR(info.st_mode)) {
        return rml_file_remove(path.data, err);
    }
    if (depth >= DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(path), NULL,
                        "expected at most %d folders inside each other", DEPTH_MAX);
    }
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = rml_folder_list(path.data, arena, &names, err);
    for (size_t i = 0; !st && i < names.count; i++) {
        rml_str child = rml_path_join(arena, path, *RML_AT(&names, rml_str, i));
        st = child.data == NULL ? rml_fail_memory(err, path.len)
                                : remove_tree(child, depth + 1, arena, err);
    }
    rml_array_reset(&names);
    if (!st && rmdir(path.data) != 0) {
        st = rml_system_fail(err, path.data, "cannot remove");
    }
    return st;
}

rml_status rml_folder_remove(const char *path, rml_error *err)
{
    rml_arena arena = {0};
    rml_str root = rml_arena_str(&arena, rml_str_of(path));
    rml_status st =
        root.data == NULL ? rml_fail_memory(err, strlen(path)) : remove_tree(root, 0, &arena, err);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_path_absolute(const char *path, rml_arena *arena, rml_str *out, rml_error *err)
{
    char *full = realpath(path, NULL);
    if (full == NULL) {
        return rml_system_fail(err, path, "cannot resolve");
    }
    *out = rml_arena_str(arena, rml_str_of(full));
    free(full);
    return out->data == NULL ? rml_fail_memory(err, PATH_SIZE_MAX) : RML_OK;
}

rml_str rml_path_join(rml_arena *arena, rml_str folder, rml_str name)
{
    bool slash = folder.len > 0 && folder.data[folder.len - 1] == '/';
    return rml_arena_printf(arena, "%.*s%s%.*s", RML_FMT(folder),
                            slash || folder.len == 0 ? "" : "/", RML_FMT(name));
}

// Index after the last slash.
static size_t name_start(rml_str path)
{
    size_t i = path.len;
    while (i > 0 && path.data[i - 1] != '/') {
        i--;
    }
    return i;
}

rml_str rml_path_name(rml_str path)
{
    size_t i = name_start(path);
    return (rml_str){path.data + i, path.len - i};
}

rml_str rml_path_folder(rml_str path)
{
    size_t i = name_start(path);
    if (i == 0) {
        return RML_STR(".");
    }
    return (rml_str){path.data, i > 1 ? i - 1 : 1};
}
