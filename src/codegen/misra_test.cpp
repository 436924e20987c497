// A generated folder under cppcheck's MISRA addon: no report outside the table of docs/misra.md.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "codegen/folder_test.h"

namespace atml::codegen {
namespace {

using namespace testing;

std::set<std::string> found_in(const std::string& text, const std::regex& pattern) {
  std::set<std::string> rules;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    rules.insert((*it)[1]);
  return rules;
}

std::string report(const std::filesystem::path& folder, const std::vector<std::string>& defines) {
  Command command;
  command.argv = {"cppcheck",
                  "--addon=misra",
                  "--std=c99",
                  "--platform=arm32-wchar_t4",
                  "--enable=style",
                  "-q",
                  "-I.",
                  "-Iruntime/include",
                  "--template={file}:{line}: {id}"};
  command.argv.insert(command.argv.end(), defines.begin(), defines.end());
  command.argv.push_back(".");
  command.working_folder = folder;
  command.timeout = Seconds(1500);
  const auto result = run_process(command);
  EXPECT_TRUE(result.ok() && result->succeeded());
  return result.ok() ? result->out + result->err : "";
}

// Portable kernels and those with the DSP extension, whole and by rows.
TEST(Misra, EveryReportIsADocumentedDeviation) {
  if (!find_program("cppcheck").ok()) GTEST_SKIP() << "needs cppcheck";
  std::string text;
  for (const Streaming streaming : {Streaming::kOff, Streaming::kOn}) {
    const auto folder = ScratchFolder::create();
    ASSERT_TRUE(folder.ok());
    Options options;
    options.streaming = streaming;
    options.self_test.emplace();
    options.self_test->input.resize(16 * 16 * 3);
    options.self_test->output.resize(10);
    const auto firmware = firmware_folder(mixed_model(), some_target(), options);
    ASSERT_TRUE(firmware.ok());
    write_all(*firmware, folder->path());
    const bool rows = streaming == Streaming::kOn;
    text += report(folder->path(),
                   rows ? std::vector<std::string>{"-DATML_PORTABLE=1"}
                        : std::vector<std::string>{"-D__GNUC__=12", "-D__ARM_FEATURE_DSP=1",
                                                   "-D__thumb2__=1"});
  }
  const auto documentation = read_file(std::string(ATML_SOURCE_DIR) + "/docs/misra.md");
  ASSERT_TRUE(documentation.ok());
  const auto reported = found_in(text, std::regex("misra-c2012-([0-9.]+)"));
  const auto documented = found_in(*documentation, std::regex("\\n\\| ([0-9]+\\.[0-9]+) \\|"));
  EXPECT_GE(reported.size(), 10u);  // or the tool did not run
  for (const std::string& rule : reported) {
    EXPECT_TRUE(documented.contains(rule)) << "rule " << rule << " is not in docs/misra.md:\n"
                                           << text;
  }
  for (const std::string& rule : documented)
    EXPECT_TRUE(reported.contains(rule)) << "rule " << rule << " is documented and does not occur";
}

}  // namespace
}  // namespace atml::codegen
