/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of queues, which are any bytes, as text. */
#ifndef TEXT_H
#define TEXT_H

/* Each byte takes four characters at most, and there is a 0 at the end. */
#define TEXT_NAME_SIZE (264 * 4 + 1)

/*
 * For a terminal, and for columns: what is no graphic character of ASCII, and the
 * backslash, become \xNN. "text" has TEXT_NAME_SIZE bytes; a longer name is cut.
 */
void text_name(char *text, const char *name);

/* The same, where it stays until this is called again. */
const char *text_shown(const char *name);

/* How many bytes a character of UTF-8 has; 0 if there is none here. */
int text_utf8(const char *text);

#endif /* TEXT_H */
