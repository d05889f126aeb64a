"""XLSForm to Questionnaire: fields, versions, choices, privacy, and XPath compiled to SQL."""
