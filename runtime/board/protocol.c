/* The firmware's side of the serial protocol (docs/board-protocol.md): frames in, frames out, one request
 * at a time. Every request may come twice: a repeated one gets the kept reply and runs nothing. */
#include <stddef.h>
#include <stdint.h>

#include "atml_board.h"

enum {
  kVersion = 1,
  kHeader = 14,
  kMostPayload = 256,
  kTrailer = 4,
  kFrame = kHeader + kMostPayload + kTrailer,
  kMostRuns = 32,
  kTextRoom = 31
};
enum { kHello = 1, kSelfTest = 2, kTime = 3, kWrite = 4, kRun = 5, kRead = 6, kReply = 0x80, kError = 0xFF };
enum { kUnknownCommand = 1, kBadPayload = 2, kNoSession = 3, kOtherInput = 4, kOtherVersion = 5, kNothingRun = 6 };

static uint8_t in_frame[kFrame];
static uint32_t in_count;
static uint8_t out_frame[kFrame]; /* kept for a repeated request */
static uint32_t out_payload;      /* bytes */
static uint32_t answered_crc;     /* of the request that out_frame answers */
static uint8_t has_answer;
static uint32_t session; /* 0: none */
static uint8_t has_output;

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | ((uint32_t)p[1] << 8)); }
static uint32_t get32(const uint8_t *p) { return get16(p) | ((uint32_t)get16(p + 2) << 16); }
static void put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v & 0xFFu);
  p[1] = (uint8_t)((v >> 8) & 0xFFu);
}
static void put32(uint8_t *p, uint32_t v) {
  put16(p, v & 0xFFFFu);
  put16(p + 2, v >> 16);
}

/* CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF. */
static uint16_t crc16(const uint8_t *bytes, uint32_t count) {
  uint32_t crc = 0xFFFFu;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= (uint32_t)bytes[i] << 8;
    for (int bit = 0; bit < 8; bit++) {
      crc = ((crc & 0x8000u) != 0u ? (crc << 1) ^ 0x1021u : crc << 1) & 0xFFFFu;
    }
  }
  return (uint16_t)crc;
}

/* CRC-32 of IEEE 802.3: reflected polynomial 0xEDB88320. */
static uint32_t crc32(const uint8_t *bytes, uint32_t count) {
  uint32_t crc = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ ((crc & 1u) != 0u ? 0xEDB88320u : 0u);
    }
  }
  return ~crc;
}

/* Payload of the reply in the making; what does not fit is a bug of this file, so it is dropped. */
static void add8(uint32_t v) {
  if (out_payload < kMostPayload) {
    out_frame[kHeader + out_payload++] = (uint8_t)(v & 0xFFu);
  }
}
static void add16(uint32_t v) {
  add8(v);
  add8(v >> 8);
}
static void add32(uint32_t v) {
  add16(v);
  add16(v >> 16);
}
static void add64(uint64_t v) {
  add32((uint32_t)(v & 0xFFFFFFFFu));
  add32((uint32_t)(v >> 32));
}
static void add_bytes(const uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    add8(bytes[i]);
  }
}
static void add_text(const char *text) {
  uint32_t length = 0;
  while (length < kTextRoom && text[length] != '\0') {
    length++;
  }
  add8(length);
  for (uint32_t i = 0; i < length; i++) {
    add8((uint8_t)text[i]);
  }
}

static void send_answer(void) {
  const uint32_t count = kHeader + out_payload + kTrailer;
  for (uint32_t i = 0; i < count; i++) {
    board_uart_write(out_frame[i]);
  }
}

static void finish_answer(uint32_t type, uint32_t sequence) {
  out_frame[0] = 0xA5u;
  out_frame[1] = 0x5Au;
  out_frame[2] = kVersion;
  out_frame[3] = (uint8_t)type;
  put16(out_frame + 4, sequence);
  put16(out_frame + 6, out_payload);
  put32(out_frame + 8, session);
  put16(out_frame + 12, crc16(out_frame, 12));
  put32(out_frame + kHeader + out_payload, crc32(out_frame, kHeader + out_payload));
}

/* The self-test's and the timing's input: x = 1664525 x + 1013904223 from x = 1, the high bytes. */
static void fill_input(void) {
  int8_t *const input = board_model_input();
  uint32_t x = 1;
  for (uint32_t i = 0; i < board_model.input_bytes; i++) {
    x = x * 1664525u + 1013904223u;
    input[i] = (int8_t)(uint8_t)(x >> 24);
  }
  has_output = 0;
}

static uint32_t output_crc(void) {
  return crc32((const uint8_t *)board_model_output(), board_model.output_bytes);
}

static void answer_hello(void) {
  add_bytes(board_model.model_id, 8);
  add_bytes(board_model.build_id, 8);
  add32(board_clock_hz());
  add32(board_model.input_bytes);
  add32(board_model.output_bytes);
  add16(kMostPayload);
  add_text(board_model.name);
  add_text(board_model.target);
}

static void answer_self_test(void) {
  fill_input();
  const uint32_t stack = board_measured_run();
  const uint32_t crc = output_crc();
  add8(crc == board_model.self_test_crc ? 1u : 0u);
  add32(crc);
  add32(board_model.self_test_crc);
  add32(stack);
  add32(board_stack_room());
}

static uint64_t timed_run(void) {
  const uint64_t start = board_cycles();
  board_model_run();
  return board_cycles() - start;
}

static void answer_time(uint32_t runs) {
  static uint64_t cycles[kMostRuns]; /* sorted */
  for (uint32_t n = 0; n < runs; n++) {
    fill_input();
    const uint64_t value = timed_run();
    uint32_t at = n;
    for (; at > 0u && cycles[at - 1u] > value; at--) {
      cycles[at] = cycles[at - 1u];
    }
    cycles[at] = value;
  }
  add16(runs);
  add64(cycles[0]);
  add64(cycles[runs / 2u]);
  add64(cycles[runs - 1u]);
}

static void answer_write(uint32_t offset, const uint8_t *bytes, uint32_t count) {
  int8_t *const input = board_model_input();
  has_output = 0;
  for (uint32_t i = 0; i < count; i++) {
    input[offset + i] = (int8_t)bytes[i];
  }
  add32(offset);
  add16(count);
}

static void answer_run(void) {
  const uint64_t cycles = timed_run();
  has_output = 1;
  add32(output_crc());
  add64(cycles);
}

static void answer_read(uint32_t offset, uint32_t count) {
  add32(offset);
  add_bytes((const uint8_t *)board_model_output() + offset, count);
}

static int inside(uint32_t offset, uint32_t count, uint32_t size) { return offset <= size && count <= size - offset; }

/* Fills the reply; 0 or the code of the error. */
static uint32_t answer(uint32_t command, const uint8_t *payload, uint32_t length) {
  switch (command) {
    case kHello:
      answer_hello();
      return 0;
    case kSelfTest:
      answer_self_test();
      return 0;
    case kTime:
      if (length != 2u || get16(payload) == 0u || get16(payload) > kMostRuns) {
        return kBadPayload;
      }
      answer_time(get16(payload));
      return 0;
    case kWrite:
      if (length < 4u || !inside(get32(payload), length - 4u, board_model.input_bytes)) {
        return kBadPayload;
      }
      answer_write(get32(payload), payload + 4, length - 4u);
      return 0;
    case kRun:
      if (length != 4u) {
        return kBadPayload;
      }
      if (crc32((const uint8_t *)board_model_input(), board_model.input_bytes) != get32(payload)) {
        return kOtherInput;
      }
      answer_run();
      return 0;
    case kRead:
      if (length != 6u || get16(payload + 4) > kMostPayload - 4 ||
          !inside(get32(payload), get16(payload + 4), board_model.output_bytes)) {
        return kBadPayload;
      }
      if (has_output == 0u) {
        return kNothingRun;
      }
      answer_read(get32(payload), get16(payload + 4));
      return 0;
    default:
      return kUnknownCommand;
  }
}

static uint32_t answer_frame(uint32_t command, uint32_t frame_session, const uint8_t *payload, uint32_t length) {
  if (in_frame[2] != kVersion) {
    return kOtherVersion;
  }
  if (command == kHello && length == 4u && get32(payload) != 0u) {
    session = get32(payload);
  } else if (command == kHello) {
    return kBadPayload;
  } else if (session == 0u || frame_session != session) {
    return kNoSession;
  }
  return answer(command, payload, length);
}

/* A complete frame with right checksums lies in in_frame. */
static void handle_frame(uint32_t length) {
  const uint32_t crc = get32(in_frame + kHeader + length);
  if (has_answer != 0u && crc == answered_crc && get16(in_frame + 4) == get16(out_frame + 4)) {
    send_answer();
    return;
  }
  const uint32_t command = in_frame[3];
  out_payload = 0;
  const uint32_t error = answer_frame(command, get32(in_frame + 8), in_frame + kHeader, length);
  if (error != 0u) {
    out_payload = 0;
    add8(error);
    add8(command);
  }
  finish_answer(error != 0u ? (uint32_t)kError : command | kReply, get16(in_frame + 4));
  answered_crc = crc;
  has_answer = 1;
  send_answer();
}

static void drop(uint32_t count) {
  for (uint32_t i = count; i < in_count; i++) {
    in_frame[i - count] = in_frame[i];
  }
  in_count -= count;
}

/* One step on what was received: 1 where there may be more to do. Garbage goes byte by byte, so that a
 * good frame behind it, even one that began inside a broken frame, is found. */
static int step(void) {
  if (in_count >= 1u && in_frame[0] != 0xA5u) {
    drop(1);
    return 1;
  }
  if (in_count >= 2u && in_frame[1] != 0x5Au) {
    drop(1);
    return 1;
  }
  if (in_count < kHeader) {
    return 0;
  }
  const uint32_t length = get16(in_frame + 6);
  if (crc16(in_frame, 12) != get16(in_frame + 12) || length > kMostPayload) {
    drop(1);
    return 1;
  }
  if (in_count < kHeader + length + kTrailer) {
    return 0;
  }
  if (crc32(in_frame, kHeader + length) != get32(in_frame + kHeader + length)) {
    drop(1);
    return 1;
  }
  handle_frame(length);
  drop(kHeader + length + kTrailer);
  return 1;
}

void board_serve(void) {
  for (;;) {
    uint8_t byte;
    if (board_uart_read(&byte) == 0) {
      continue;
    }
    in_frame[in_count++] = byte;
    while (step() != 0) {
    }
  }
}
