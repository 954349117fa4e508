/** The answers to a question as results of the sample that they are shown on. */
import type { Question, QuestionAnswer } from "../generated/contract";
import type { PreviewSample } from "../lib/state";
import type { ResultContext } from "../tasks/task";

export interface Answered extends QuestionAnswer {
  sample: PreviewSample;
  context: ResultContext;
}

/** Each answer is formatted by itself: the others' results are no neighbours of it. */
export function answered(question: Question, sample: PreviewSample, named: boolean): Answered[] {
  return question.answers.map((answer) => {
    const own = { ...sample, outcome: answer.outcome };
    const { postprocess, outcome: first } = answer;
    const context = { postprocess, named, first, samples: [own] };
    return { ...answer, sample: own, context };
  });
}
