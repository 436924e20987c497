#include "search/times.h"

#include "base/json.h"

namespace atml::search {

Result<StageTimes> load_times(study::Store& store) {
  StageTimes times;
  ATML_TRY(const auto note, store.get_note("times"));
  if (!note) return times;
  ATML_TRY(const Json json, Json::parse(*note));
  times.elapsed = json["elapsed"].number();
  times.finalists = json["finalists"].number();
  times.verify = json["verify"].number();
  times.total = json["total"].number();
  for (const Json& mark : json["course"].items()) {
    times.course.push_back({mark["seconds"].number(), static_cast<int>(mark["trial"].integer()),
                            mark["best"].number()});
  }
  return times;
}

Status save_times(study::Store& store, const StageTimes& times) {
  Json course = Json::array();
  for (const CourseMark& mark : times.course) {
    course.push(Json::object()
                    .set("seconds", mark.seconds)
                    .set("trial", mark.trial)
                    .set("best", mark.best));
  }
  Json json = Json::object();
  json.set("elapsed", times.elapsed).set("finalists", times.finalists).set("verify", times.verify);
  json.set("total", times.total).set("course", course);
  return store.put_note("times", json.dump());
}

}  // namespace atml::search
