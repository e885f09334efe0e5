import type { ReactNode } from "react";
import { useI18n } from "../../lib/i18n";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";

/** What a widget waits for. */
export interface WidgetAnswer<T> {
  data: T | undefined;
  isError: boolean;
  error: Error | null;
  isPlaceholderData: boolean;
  refetch: () => unknown;
}

/** A figure with its own loading, error and empty state: one that fails takes no other along. */
export function Widget<T>(props: {
  title: string;
  label?: string;
  subtitle?: ReactNode;
  help?: ReactNode;
  controls?: ReactNode;
  foot?: ReactNode;
  height: number;
  answer: WidgetAnswer<T>;
  isEmpty: (data: T) => boolean;
  children: (data: T) => ReactNode;
}) {
  const { t } = useI18n();
  const { answer } = props;
  return (
    <Figure
      title={props.title}
      {...(props.label ? { label: props.label } : {})}
      subtitle={props.subtitle}
      help={props.help}
      controls={props.controls}
      foot={props.foot}
      updating={answer.isPlaceholderData}
    >
      {answer.data === undefined && answer.isError ? (
        <FigureError
          cause={t("error.cause", { cause: answer.error?.message ?? "" })}
          still={t("error.others")}
          retry={() => void answer.refetch()}
        />
      ) : answer.data === undefined ? (
        <FigureLoading height={props.height} />
      ) : props.isEmpty(answer.data) ? (
        <FigureEmpty title={t("chat.nothingTitle")} text={t("chat.nothing")} />
      ) : (
        props.children(answer.data)
      )}
    </Figure>
  );
}
