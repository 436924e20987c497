#include "search/verdict_note.h"

namespace atml::search {
namespace {

Json shape_json(const Shape& s) {
  Json json = Json::array();
  return json.push(s.height).push(s.width).push(s.channels);
}

Shape shape_from(const Json& json) {
  const auto& items = json.items();
  if (items.size() != 3) return {};
  return {static_cast<int>(items[0].integer()), static_cast<int>(items[1].integer()),
          static_cast<int>(items[2].integer())};
}

Json layer_json(const deploy::LayerCost& l) {
  Json json = Json::object();
  json.set("name", l.name).set("kind", l.kind).set("output", shape_json(l.output));
  json.set("macs", l.macs.value).set("weights", l.weights.value);
  return json.set("instructions", l.instructions.value).set("cycles", l.cycles.value);
}

deploy::LayerCost layer_from(const Json& json) {
  deploy::LayerCost l;
  l.name = json["name"].string();
  l.kind = json["kind"].string();
  l.output = shape_from(json["output"]);
  l.macs = Macs(json["macs"].integer());
  l.weights = Bytes(json["weights"].integer());
  l.instructions = Instructions(json["instructions"].integer());
  l.cycles = Cycles(json["cycles"].integer());
  return l;
}

}  // namespace

Json verdict_to_json(const deploy::Deployability& d) {
  Json layers = Json::array();
  for (const deploy::LayerCost& l : d.layers) layers.push(layer_json(l));
  Json json = Json::object();
  json.set("computable", d.computable).set("reason", d.reason).set("origin", d.origin);
  json.set("flash", d.flash.value).set("ram", d.ram.value).set("arena", d.arena.value);
  json.set("statics", d.statics.value).set("stack", d.stack.value);
  json.set("weights", d.flash_split.weights.value).set("tables", d.flash_split.tables.value);
  json.set("code", d.flash_split.code.value).set("startup", d.flash_split.startup.value);
  json.set("instructions", d.instructions.value).set("low", d.cycles.low.value);
  json.set("mid", d.cycles.mid.value).set("high", d.cycles.high.value);
  json.set("latency_s", d.latency.value).set("energy_j", d.energy.value);
  return json.set("layers", layers);
}

deploy::Deployability verdict_from_json(const Json& json) {
  deploy::Deployability d;
  d.computable = json["computable"].boolean();
  d.reason = json["reason"].string();
  d.origin = json["origin"].string();
  d.flash = Bytes(json["flash"].integer());
  d.ram = Bytes(json["ram"].integer());
  d.arena = Bytes(json["arena"].integer());
  d.statics = Bytes(json["statics"].integer());
  d.stack = Bytes(json["stack"].integer());
  d.flash_split = {Bytes(json["weights"].integer()), Bytes(json["tables"].integer()),
                   Bytes(json["code"].integer()), Bytes(json["startup"].integer())};
  d.instructions = Instructions(json["instructions"].integer());
  d.cycles = {Cycles(json["low"].integer()), Cycles(json["mid"].integer()),
              Cycles(json["high"].integer())};
  d.latency = Seconds(json["latency_s"].number());
  d.energy = Joules(json["energy_j"].number());
  for (const Json& l : json["layers"].items()) d.layers.push_back(layer_from(l));
  return d;
}

}  // namespace atml::search
