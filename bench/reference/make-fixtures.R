# What R's survival package says about the simulated lifetimes, as JSON for the tests of scoring/survival.
#   node bench/reference/write-lifetimes.ts /tmp/lifetimes
#   Rscript bench/reference/make-fixtures.R /tmp/lifetimes scoring/survival/fixtures
#   npx prettier --write scoring/survival/fixtures
# Needs Debian's r-cran-survival (3.5-3 made the committed files). Ridge: θ/2·Σβ² on the columns as they are (scale = FALSE).
suppressMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
from <- arguments[1]
to <- arguments[2]

json <- function(value) {
  if (is.null(value)) return("null")
  if (is.list(value)) {
    return(paste0("{", paste0('"', names(value), '":', vapply(value, json, ""), collapse = ","), "}"))
  }
  if (is.character(value)) texts <- paste0('"', value, '"')
  else texts <- ifelse(is.finite(value), sprintf("%.11g", value), "null")
  if (!is.null(attr(value, "one"))) texts else paste0("[", paste(texts, collapse = ","), "]")
}
one <- function(value) structure(unname(value), one = TRUE)

coxFit <- function(data, outcome, columns, strata, ties, theta) {
  terms <- if (theta > 0) {
    paste0("ridge(", paste(columns, collapse = ","), ", theta = ", theta, ", scale = FALSE)")
  } else paste(columns, collapse = " + ")
  formula <- as.formula(paste(outcome, "~", terms, if (strata) "+ strata(stratum)" else ""))
  fit <- coxph(formula, data, ties = ties, control = coxph.control(eps = 1e-13, iter.max = 200, toler.chol = 1e-14))
  # The baseline at x = 0 from the coefficients alone: basehaz() of a penalised fit has no `means` of its own.
  data$predictor <- as.vector(as.matrix(data[columns]) %*% coef(fit))
  middle <- mean(data$predictor)
  data$predictor <- data$predictor - middle
  curves <- lapply(if (strata) split(data, data$stratum) else list(data), function(part) {
    if (!any(part$event == 1)) return(list(time = sort(unique(part$time)), hazard = 0 * sort(unique(part$time))))
    offsetFit <- coxph(as.formula(paste(outcome, "~ offset(predictor)")), part, ties = ties)
    curve <- survfit(offsetFit, newdata = data.frame(predictor = 0), se.fit = FALSE, ctype = if (ties == "efron") 2 else 1)
    list(time = curve$time, hazard = curve$cumhaz * exp(-middle))
  })
  list(
    coefficients = unname(coef(fit)), standardErrors = unname(sqrt(diag(fit$var))),
    nullLogLikelihood = one(fit$loglik[1]), logLikelihood = one(fit$loglik[2]),
    concordance = one(fit$concordance["concordance"]),
    time = unlist(lapply(curves, `[[`, "time")), cumulativeHazard = unlist(lapply(curves, `[[`, "hazard"))
  )
}

weibullFit <- function(data, columns, theta) {
  terms <- if (theta > 0) {
    paste0("ridge(", paste(columns, collapse = ","), ", theta = ", theta, ", scale = FALSE)")
  } else paste(columns, collapse = " + ")
  control <- survreg.control(rel.tolerance = 1e-14, iter.max = 200)
  formula <- as.formula(paste("Surv(time, event) ~", terms))
  fit <- survreg(formula, data, control = control)
  if (max(fit$iter) >= 200) {
    # survreg's own start loses its way with a single failure: start it near.
    near <- survreg(Surv(time, event) ~ 1, data, control = control)
    fit <- survreg(formula, data, control = control, init = c(coef(near), rep(0, length(columns)), log(near$scale)))
    stopifnot(max(fit$iter) < 200)
  }
  list(
    intercept = one(coef(fit)[1]), coefficients = unname(coef(fit)[-1]), scale = one(fit$scale),
    standardErrors = unname(sqrt(diag(fit$var))), logLikelihood = one(fit$loglik[2])
  )
}

options(warn = 1)
for (path in sort(list.files(from, "\\.csv$", full.names = TRUE))) {
  name <- sub("\\.csv$", "", basename(path))
  cat(name, "\n")
  data <- read.csv(path)
  columns <- names(data)[-(1:6)]
  truncated <- !all(is.na(data$entry))
  strata <- !all(is.na(data$stratum))
  theta <- data$ridge[1]
  outcome <- if (truncated) "Surv(entry, time, event)" else "Surv(time, event)"
  hasEvents <- any(data$event == 1)
  isSingular <- name %in% c("separated", "collinear")

  km <- survfit(as.formula(paste(outcome, "~ 1")), data)
  result <- list(kaplanMeier = list(
    time = km$time, survival = km$surv, standardError = ifelse(km$surv > 0, km$surv * km$std.err, NA),
    atRisk = km$n.risk, events = km$n.event
  ))
  if (hasEvents) {
    for (ties in c("efron", "breslow")) {
      if (!isSingular) result[[ties]] <- coxFit(data, outcome, columns, strata, ties, 0)
      result[[paste0(ties, "Ridge")]] <- coxFit(data, outcome, columns, strata, ties, theta)
    }
    pairs <- concordance(as.formula(paste(outcome, "~ risk", if (strata) "+ strata(stratum)" else "")), data, reverse = TRUE)
    counts <- if (is.matrix(pairs$count)) colSums(pairs$count) else pairs$count
    result$concordance <- list(value = one(pairs$concordance), concordant = one(counts["concordant"]),
      discordant = one(counts["discordant"]), tied = one(counts["tied.x"]))
    if (!truncated && !strata) {
      result$uno <- one(concordance(Surv(time, event) ~ risk, data, reverse = TRUE, timewt = "n/G2")$concordance)
      if (!isSingular) result$weibull <- weibullFit(data, columns, 0)
      result$weibullRidge <- weibullFit(data, columns, theta)
    }
  }
  writeLines(json(result), file.path(to, paste0(name, ".json")))
}
