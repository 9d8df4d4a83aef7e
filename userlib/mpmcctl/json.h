/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* JSON, as it is printed. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct json - where JSON goes
 * @out: the file
 * @more: something is there already where the next value goes
 *
 * Keys are NULL in arrays, and for what is in nothing.
 */
struct json {
	FILE *out;
	bool more;
};

/* An object, '{', or an array, '['; and its end. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);

/*
 * Any bytes: what is UTF-8 stays so, bytes that are not become \xNN, which in JSON
 * is a backslash that is quoted.
 */
void json_string(struct json *json, const char *key, const char *text);

void json_number(struct json *json, const char *key, uint64_t number);
void json_bool(struct json *json, const char *key, bool value);

/*
 * An item, as a string: it has 64 bits, and many readers of JSON take numbers for
 * doubles, which have 53.
 */
void json_item(struct json *json, const char *key, uint64_t item);

/* The end of a line, between values that are in nothing. */
void json_line(struct json *json);

#endif /* JSON_H */
