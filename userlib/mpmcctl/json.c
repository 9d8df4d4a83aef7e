// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * JSON, as it is printed
 */
#include <inttypes.h>

#include "json.h"
#include "text.h"

static void quoted(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		unsigned char byte = *text;
		int size = text_utf8(text);

		if (!size)
			fprintf(out, "\\\\x%02x", byte);
		else if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			fprintf(out, "\\u%04x", byte);
		else
			fwrite(text, 1, size, out);
		text += size ? size : 1;
	}
	fputc('"', out);
}

static void begin(struct json *json, const char *key)
{
	if (json->more)
		fputs(", ", json->out);
	json->more = true;
	if (key) {
		quoted(json->out, key);
		fputs(": ", json->out);
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->out);
	json->more = false;
}

void json_close(struct json *json, char bracket)
{
	fputc(bracket, json->out);
	json->more = true;
}

void json_string(struct json *json, const char *key, const char *text)
{
	begin(json, key);
	quoted(json->out, text);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, number);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_item(struct json *json, const char *key, uint64_t item)
{
	begin(json, key);
	fprintf(json->out, "\"%" PRIu64 "\"", item);
}

void json_line(struct json *json)
{
	fputc('\n', json->out);
	json->more = false;
}
