#include <gtest/gtest.h>

#include "data/csv.h"
#include "data/load.h"
#include "data/test_files.h"

namespace atml::data {
namespace {

class Csv : public testing::Test {
 protected:
  Result<CsvTable> read(const std::string& text) { return read_csv(folder_.put("t.csv", text)); }
  std::string without_folder(std::string message) {
    for (std::size_t at; (at = message.find(folder_.path())) != std::string::npos;)
      message.erase(at, folder_.path().size());
    return message;
  }
  std::string error(const std::string& text) {
    const auto table = read(text);
    return table.ok() ? "read" : without_folder(table.error().message);
  }
  std::string load_error(const std::string& text, const LoadOptions& options = {}) {
    const auto dataset = load_dataset(folder_.put("t.csv", text), options);
    return dataset.ok() ? "loaded" : without_folder(dataset.error().message);
  }
  Folder folder_;
};

std::vector<std::string> fields(const CsvTable& table) {
  return {table.fields.begin(), table.fields.end()};
}

TEST_F(Csv, ReadsWhatProgramsWrite) {
  const std::vector<std::string> expected = {"1", "x,y", "", "-2", "say \"hi\"\nthere", "end"};
  for (const std::string& text :
       {std::string("a,b,c\n1,\"x,y\",\n-2,\"say \"\"hi\"\"\nthere\",end\n"),
        std::string("\xEF\xBB\xBF"
                    "a,b,c\r\n\r\n 1 ,\"x,y\" ,\r\n-2,\"say \"\"hi\"\"\nthere\",end")}) {
    const auto table = read(text);
    ASSERT_TRUE(table.ok()) << table.error().message;
    EXPECT_EQ(table->columns, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(fields(*table), expected);
  }
  EXPECT_EQ(fields(*read("a;b\n1,5;2\n")), (std::vector<std::string>{"1,5", "2"}));
  EXPECT_EQ(fields(*read("a\tb\n1\t2\n")), (std::vector<std::string>{"1", "2"}));
  const auto packed = read_csv(folder_.put("t.csv.gz", gzip("a,b\n1,2\n")));
  EXPECT_EQ(fields(*packed), (std::vector<std::string>{"1", "2"}));
}

TEST_F(Csv, SaysWhereItIsWrong) {
  EXPECT_EQ(error(""), "t.csv: the file is empty");
  EXPECT_EQ(error("\n\n"), "t.csv: the file is empty");
  EXPECT_EQ(error("a,b\n"), "t.csv: no row after the header");
  EXPECT_EQ(error("a,b\n1,2\n\n3\n"), "t.csv:4: 1 fields, the header has 2");
  EXPECT_EQ(error("1,2\n3,4\n"),
            "t.csv:1: the first line must name the columns, found only numbers");
  EXPECT_EQ(error("a,b\n1,\"2\n3,4\n"), "t.csv:2: a quoted field does not end");
  EXPECT_EQ(error("a,b\n1,\"2\"x\n"),
            "t.csv:2: text after a closing quote; double the quotes inside of a field");
}

/// `rows` rows of a label, a date, two numbers and a subject.
std::string table_text(int rows, const std::string& label_name = "class") {
  std::string text = label_name + ",date,Temp,subject,CO2\n";
  for (int i = 0; i < rows; ++i) {
    text += fmt::format("{},2015-02-{:02} 10:00,{},person {},{}\n", i % 2 == 0 ? "wet" : "dry",
                        i % 28 + 1, 20 + 0.5 * i, i / 5, 400 - i);
  }
  return text;
}

TEST_F(Csv, ColumnsFindTheirRoles) {
  const auto dataset = load_dataset(folder_.put("room.csv", table_text(40)));
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->name, "room");
  EXPECT_EQ(dataset->shape, (Shape{1, 1, 2}));
  EXPECT_EQ(dataset->channels, (std::vector<std::string>{"Temp", "CO2"}));
  EXPECT_EQ(dataset->classes, (std::vector<std::string>{"dry", "wet"}));
  EXPECT_EQ(dataset->train.size() + dataset->validation.size() + dataset->test.size(), 40u);
  for (const Split* split : {&dataset->train, &dataset->validation, &dataset->test}) {
    ASSERT_EQ(split->groups.size(), split->size());
    for (std::size_t i = 0; i < split->size(); ++i) {
      float values[2];
      split->x.read(i, values);
      const int row = 400 - static_cast<int>(values[1]);
      EXPECT_FLOAT_EQ(values[0], 20 + 0.5f * static_cast<float>(row));
      EXPECT_EQ(split->labels[i], row % 2 == 0 ? 1 : 0);
      EXPECT_EQ(split->groups[i], row / 5);
    }
  }
}

TEST_F(Csv, TheLabelIsTheNamedOneOrTheLast) {
  const auto classes = [&](const std::string& text, const std::string& wanted) {
    LoadOptions options;
    options.label_column = wanted;
    const auto dataset = load_dataset(folder_.put("t.csv", text), options);
    return dataset.ok() ? dataset->classes : std::vector<std::string>{dataset.error().message};
  };
  std::string text = "a,b\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i % 2 + 9, i % 4);
  EXPECT_EQ(classes(text, ""), (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(classes(text, "a"), (std::vector<std::string>{"9", "10"}))
      << "in the order of the numbers";
  LoadOptions options;
  options.label_column = "bb";
  EXPECT_EQ(load_error(text, options), "t.csv: no column 'bb'; did you mean 'b'?");
}

TEST_F(Csv, FractionsMeanRegression) {
  std::string text = "a,y\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{}\n", i, 0.25 * i);
  const auto dataset = load_dataset(folder_.put("t.csv", text));
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->task, Task::kRegression);
  EXPECT_EQ(dataset->target_size, 1);
  for (std::size_t i = 0; i < dataset->train.size(); ++i) {
    float value[1];
    dataset->train.x.read(i, value);
    EXPECT_EQ(dataset->train.targets[i], 0.25f * value[0]);
  }
}

TEST_F(Csv, RefusesFieldsThatAreNoNumbers) {
  EXPECT_EQ(load_error("a,b,class\n1,2,x\n3,red,y\n"),
            "t.csv:3: the value of column 'b' is 'red', expected a finite number; repair or remove "
            "the row, or the column");
  EXPECT_EQ(load_error("a,b,class\n1,2,x\n3,,y\n"),
            "t.csv:3: the value of column 'b' is missing; repair or remove the row, or the column");
  EXPECT_EQ(load_error("a,b,class\n1,nan,x\n3,4,y\n"),
            "t.csv:2: the value of column 'b' is 'nan', expected a finite number; repair or remove "
            "the row, or the column");
  EXPECT_EQ(load_error("a,b,class\n1,2,x\n3,4,\n"),
            "t.csv:3: the label in column 'class' is missing");
  EXPECT_EQ(load_error("date,class\n1,2\n"),
            "t.csv: no column of numbers beside the label 'class'");
  EXPECT_EQ(load_error("a,class\n1,x\n2,x\n3,y\n"),
            "t.csv: class 1 ('y') has one sample (number 2) to draw a test split from, at least 2 "
            "are needed; add samples "
            "or remove the class");
}

TEST_F(Csv, FoldersBringTheirOwnSplit) {
  folder_.put("train.csv", table_text(40));
  folder_.put("test1.csv", table_text(10));
  folder_.put("test2.csv.gz", gzip(table_text(6)));
  const auto dataset = load_dataset(folder_.path());
  ASSERT_TRUE(dataset.ok()) << dataset.error().message;
  EXPECT_EQ(dataset->train.size() + dataset->validation.size(), 40u);
  EXPECT_EQ(dataset->test.size(), 16u);
  EXPECT_EQ(dataset->test.groups[10], 0) << "person 0 has one number in all files";
  folder_.put("test1.csv", table_text(10, "label"));
  EXPECT_EQ(without_folder(load_dataset(folder_.path()).error().message),
            "test1.csv: its columns (label, date, Temp, subject, CO2) are not those of train.csv "
            "(class, date, Temp, "
            "subject, CO2)");
}

}  // namespace
}  // namespace atml::data
