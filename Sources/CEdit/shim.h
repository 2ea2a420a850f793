// Line editing by libedit, whose settings are variadic functions that Swift cannot call.
#pragma once

#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

// What an editor's callbacks share with its owner.
struct spark_edit_state {
  const char *prompt;
  // Whether the line was given up with Ctrl-C.
  int interrupted;
};

// An editor of standard input that shows the line on standard error; NULL where there is none to be had.
static inline EditLine *spark_edit_make(void) { return el_init("spark", stdin, stderr, stderr); }

static inline struct spark_edit_state *spark_edit_state_of(EditLine *edit) {
  void *state = NULL;
  el_get(edit, EL_CLIENTDATA, &state);
  return (struct spark_edit_state *)state;
}

static char *spark_edit_prompt(EditLine *edit) {
  return (char *)spark_edit_state_of(edit)->prompt;
}

static unsigned char spark_edit_interrupt(EditLine *edit, int key) {
  (void)key;
  spark_edit_state_of(edit)->interrupted = 1;
  return CC_NEWLINE;
}

// Takes pasted text into the line as it is, line breaks included, up to the terminal's mark for its end.
static unsigned char spark_edit_paste(EditLine *edit, int key) {
  (void)key;
  static const wchar_t end[] = L"\033[201~";
  const size_t end_length = sizeof end / sizeof end[0] - 1;
  size_t length = 0, capacity = 256;
  wchar_t *text = (wchar_t *)malloc(capacity * sizeof *text);
  wchar_t next;
  while (text && el_wgetc(edit, &next) == 1) {
    if (length + 2 > capacity) {
      wchar_t *larger = (wchar_t *)realloc(text, 2 * capacity * sizeof *text);
      if (!larger) break;
      text = larger;
      capacity *= 2;
    }
    text[length++] = next == L'\r' ? L'\n' : next;
    if (length >= end_length && wmemcmp(text + length - end_length, end, end_length) == 0) {
      length -= end_length;
      break;
    }
  }
  if (!text) return CC_ERROR;
  text[length] = 0;
  int failed = length > 0 && el_winsertstr(edit, text) != 0;
  free(text);
  return failed ? CC_ERROR : CC_REFRESH;
}

// Emacs keys, Ctrl-C as a key of its own, pasted text in one piece, and the lines that were typed before.
static inline void spark_edit_configure(
    EditLine *edit, History *lines, struct spark_edit_state *state) {
  HistEvent event;
  el_set(edit, EL_CLIENTDATA, state);
  el_set(edit, EL_PROMPT, spark_edit_prompt);
  el_set(edit, EL_EDITOR, "emacs");
  el_set(edit, EL_SETTY, "-d", "-isig", NULL);
  el_set(edit, EL_ADDFN, "spark-interrupt", "Give the line up", spark_edit_interrupt);
  el_set(edit, EL_BIND, "^C", "spark-interrupt", NULL);
  el_set(edit, EL_ADDFN, "spark-paste", "Take pasted text", spark_edit_paste);
  el_set(edit, EL_BIND, "\033[200~", "spark-paste", NULL);
  history(lines, &event, H_SETSIZE, 1000);
  history(lines, &event, H_SETUNIQUE, 1);
  el_set(edit, EL_HIST, history, lines);
}

static inline void spark_edit_remember(History *lines, const char *line) {
  HistEvent event;
  history(lines, &event, H_ENTER, line);
}
