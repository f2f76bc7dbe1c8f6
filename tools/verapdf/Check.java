import java.io.FileInputStream;
import java.io.InputStream;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Validates files as PDF/A-3b: a line each, the file, then the failed clauses (clause-test). */
public final class Check {
  public static void main(String[] paths) throws Exception {
    Logger.getLogger("").setLevel(Level.OFF);
    VeraGreenfieldFoundryProvider.initialise();
    for (String path : paths) {
      System.out.println(path + "\t" + String.join(" ", failed(path)));
    }
  }

  private static TreeSet<String> failed(String path) throws Exception {
    PDFAFlavour flavour = PDFAFlavour.PDFA_3_B;
    TreeSet<String> found = new TreeSet<>();
    try (InputStream file = new FileInputStream(path);
        PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour);
        PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
      ValidationResult result = validator.validate(parser);
      for (TestAssertion assertion : result.getTestAssertions()) {
        if (assertion.getStatus() == TestAssertion.Status.FAILED) {
          found.add(assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber());
        }
      }
      if (!result.isCompliant() && found.isEmpty()) {
        found.add("unknown");
      }
    }
    return found;
  }
}
