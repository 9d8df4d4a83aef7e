// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Names of queues, which are any bytes, as text
 */
#include <stdio.h>
#include <string.h>

#include "text.h"

void text_name(char *text, const char *name)
{
	char *end = text + TEXT_NAME_SIZE - 4;

	for (; *name && text < end; name++) {
		unsigned char byte = *name;

		if (byte > ' ' && byte < 0x7f && byte != '\\')
			*text++ = byte;
		else
			text += sprintf(text, "\\x%02x", byte);
	}
	*text = 0;
}

const char *text_shown(const char *name)
{
	static char text[TEXT_NAME_SIZE];

	text_name(text, name);
	return text;
}

int text_utf8(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	/* The least that a character of so many bytes stands for. */
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int value, size, i;

	if (byte[0] < 0x80)
		return byte[0] ? 1 : 0;
	size = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	if (byte[0] < 0xc0 || byte[0] > 0xf7)
		return 0;
	value = byte[0] & (0x7f >> size);
	for (i = 1; i < size; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (byte[i] & 0x3f);
	}
	if (value < least[size] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	return size;
}
